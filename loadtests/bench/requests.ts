import type { Candidate } from './bench.ts';
import { measureHttp } from './load.ts';

/** A GET of a server on a local port. */
export const getRequest = (port: number, path: string, headers: Record<string, string>): Buffer => {
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, 'User-Agent': 'sentryagent-bench', ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${head}\r\n`);
};

/** Sends these requests in turn. */
export const takeTurns = (name: string, port: number, requests: readonly Buffer[]): Candidate => {
  let turn = 0;
  const next = (): Buffer => requests[turn++ % requests.length]!;
  return { name, measure: (load) => measureHttp({ name, port, next }, load) };
};
