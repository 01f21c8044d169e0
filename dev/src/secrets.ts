import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const random = (bytes: number): string => randomBytes(bytes).toString('base64url');
const key = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;

const MAKERS = {
  AUTH_SECRET: () => random(48),
  KEY_ENCRYPTION_KEYS: () => key('k1'),
  CLIENT_SECRET_PEPPERS: () => key('p1'),
  POSTGRES_PASSWORD: () => random(24),
  APP_DATABASE_PASSWORD: () => random(24),
};

export type Secrets = Record<keyof typeof MAKERS, string>;

/** `NAME=value` lines. A value can contain an equals sign. */
export const parseEnvFile = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** The content of the file. Empty if there is no file. */
export const readEnvFile = (file: string): Record<string, string> => {
  try {
    return parseEnvFile(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
};

/** The settings of the running platform, for the operator commands (`dev/operator.mjs`). */
export const writeOperatorEnv = (dataDir: string, settings: Record<string, string | undefined>): void => {
  const file = join(dataDir, 'operator.env');
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  writeFileSync(file, given.map(([name, value]) => `${name}=${value}\n`).join(''), { mode: 0o600 });
  chmodSync(file, 0o600);
};

/** The secrets in `secrets.env`. Creates those that are missing. */
export const readSecrets = (dataDir: string): Secrets => {
  const file = join(dataDir, 'secrets.env');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const kept = readEnvFile(file);
  const secrets = Object.fromEntries(
    Object.entries(MAKERS).map(([name, make]) => [name, kept[name] ?? make()]),
  );
  const lines = Object.entries({ ...kept, ...secrets }).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  chmodSync(file, 0o600);
  return secrets as Secrets;
};
