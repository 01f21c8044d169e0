import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type Koa from 'koa';

/** Listens nowhere yet. */
export const createHttpServer = (app: Koa): Server =>
  createServer(
    {
      // Slow senders are cut off.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // A header that is sent twice is read as a list, which few can be: Node would drop the second `Authorization`.
      joinDuplicateHeaders: true,
    },
    app.callback(),
  );
