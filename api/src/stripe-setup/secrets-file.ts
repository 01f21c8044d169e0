import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const NAME = 'STRIPE_WEBHOOK_SECRETS';

const linesOf = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

const isOurs = (line: string): boolean => line.startsWith(`${NAME}=`);

export const hasSecret = (file: string): boolean =>
  linesOf(file).some((line) => isOurs(line) && line !== `${NAME}=`);

/** Replaces the secret in the file. Other lines stay. Only the owner of the file can read it. */
export const writeSecret = (file: string, secret: string): void => {
  const lines = [...linesOf(file).filter((line) => !isOurs(line)), `${NAME}=${secret}`];
  writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
};
