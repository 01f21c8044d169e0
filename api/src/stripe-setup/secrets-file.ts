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

/** Puts the secret in the place of an older one; all other lines stay. Only its owner may read the file. */
export const writeSecret = (file: string, secret: string): void => {
  const lines = [...linesOf(file).filter((line) => !isOurs(line)), `${NAME}=${secret}`];
  writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
};
