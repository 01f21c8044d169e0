import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type Koa from 'koa';

export interface ServerLimits {
  /** Until the headers of a request must be there. */
  headersMs: number;
  /** Until a whole request must be there. */
  requestMs: number;
  /** How often Node looks for senders that are late: a limit holds to within this. */
  checkMs: number;
}

/** Slow senders are cut off. Node looks every 30 s by default, so its limits would be three times what they say. */
export const slowSenders: ServerLimits = { headersMs: 10_000, requestMs: 30_000, checkMs: 500 };

/** Listens nowhere yet. An idle connection is kept for `keepAliveMs`. */
export const createHttpServer = (
  app: Koa,
  keepAliveMs: number,
  { headersMs, requestMs, checkMs }: ServerLimits = slowSenders,
): Server =>
  createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: keepAliveMs,
      // A header that is sent twice is read as a list, which few can be: Node would drop the second `Authorization`.
      joinDuplicateHeaders: true,
    },
    app.callback(),
  );

/** Answers what is under way and takes nothing new. An idle connection ends at once, however long it could be kept. */
export const closeServer = async (server: Server): Promise<void> => {
  const closed = new Promise((resolve) => server.close(resolve));
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearInterval(sweep);
};
