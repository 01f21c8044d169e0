import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An agent of the API; the same id and secret are a static client of the servers that it is compared with. */
export interface Client {
  tenantId: string;
  clientId: string;
  clientSecret: string;
}

/** What a candidate's program is told. */
export interface Settings {
  port: number;
  clients: readonly Client[];
  /** Bare Koa signs by the faster call, and its tokens are none. */
  leavesDer?: true;
  /** Absent: it works in memory. */
  equalWork?: { databaseUrl: string; redisUrl: string };
}

/** The scope that every candidate is asked for. */
export const SCOPE = 'agents:read';
export const TOKEN_SECONDS = 900;

/** Written to a file that only this user reads, since a command line is everyone's to read. */
export const writeSettings = (folder: string, name: string, settings: Settings): string => {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  return file;
};

/** The settings of this program: its one argument names their file. */
export const readSettings = (): Settings =>
  JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Settings;
