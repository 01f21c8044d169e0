import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An agent of the API. The other servers have a static client with the same id and secret. */
export interface Client {
  tenantId: string;
  clientId: string;
  clientSecret: string;
}

/** The settings of a candidate's program. */
export interface Settings {
  port: number;
  clients: readonly Client[];
  /** Bare Koa uses the faster signing call. Its tokens are invalid. */
  leavesDer?: true;
  /** Not set: it works in memory. */
  equalWork?: { databaseUrl: string; redisUrl: string };
}

/** The scope that every candidate is asked for. */
export const SCOPE = 'agents:read';
export const TOKEN_SECONDS = 900;

/** Written to a file that only this user can read, because every user can read command lines. */
export const writeSettings = (folder: string, name: string, settings: Settings): string => {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  return file;
};

/** Reads the settings of this program from the file in its only argument. */
export const readSettings = (): Settings =>
  JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Settings;
