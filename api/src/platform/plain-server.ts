import { createServer, type Server } from 'node:http';
import type { Logger } from './logger.ts';

interface Reply {
  status?: number;
  type: string;
  body: string;
}

/** Serves a few paths to operators and their tools, without authentication: not for a public network. */
export const createPlainServer = (paths: Readonly<Record<string, () => Promise<Reply> | Reply>>): Server =>
  createServer((request, response) => {
    const answer = ({ status = 200, type, body }: Reply): void => {
      response.writeHead(status, { 'Content-Type': type }).end(body);
    };
    const empty = (status: number): Reply => ({ status, type: 'text/plain', body: '' });
    const reply = paths[request.url ?? ''] ?? (() => empty(404));
    (async () => reply())().then(answer, () => answer(empty(500)));
  });

/** Listens. If the port is in use, exits and names its setting. */
export const listen = (server: Server, [setting, port]: [string, number], host: string, logger: Logger) => {
  server.on('error', (error) => {
    logger.fatal({ err: error }, `cannot listen on port ${port}; set ${setting} to another port`);
    process.exit(1);
  });
  server.listen(port, host);
};
