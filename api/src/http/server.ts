import { createServer, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises';
import type Koa from 'koa';

export interface ServerLimits {
  /** Time limit for the headers of a request. */
  headersMs: number;
  /** Time limit for a whole request. */
  requestMs: number;
  /** How often Node checks these limits. A limit can be exceeded by this time. */
  checkMs: number;
}

/** Limits slow senders. By default, Node checks only every 30 s, longer than the limit for headers. */
export const slowSenders: ServerLimits = { headersMs: 10_000, requestMs: 30_000, checkMs: 500 };

export interface StopLimits {
  /**
   * How long connections are still accepted, and after that how long a new one may take to send its request, so that no
   * request is lost that a client sent before it knew.
   */
  drainMs: number;
  /** Time limit for receiving the rest of a request that has begun. */
  senderMs: number;
  /** Time limit for all responses. After it, all connections are closed. The dashboard times out after 10 s too. */
  answerMs: number;
}

export const stopLimits: StopLimits = { drainMs: 500, senderMs: 2_000, answerMs: 10_000 };

export interface HttpServer {
  /** Not listening yet. */
  server: Server;
  /**
   * From now on, the last response on a connection has `Connection: close`. After `drainMs`, accepts no new connections.
   * After another `drainMs`, connections without a request are closed, even with incomplete headers: Node would leave them
   * open, because `close` also stops its checks of slow senders. Resolves when all responses are sent.
   */
  stop(limits?: StopLimits): Promise<void>;
}

/** The pending responses of each open connection, oldest first. */
type Connections = Map<Socket, Set<ServerResponse>>;

const closeAfter = (response: ServerResponse | undefined): void => {
  if (response && !response.headersSent) response.setHeader('Connection', 'close');
};

/** Closes connections without a pending response. */
const closeUnused = (connections: Connections): void => {
  for (const [socket, responses] of connections) if (responses.size === 0) socket.destroy();
};

const closeLateSenders = (connections: Connections): void => {
  for (const [socket, responses] of connections) {
    if ([...responses].some(({ req }) => !req.complete)) socket.destroy();
  }
};

/**
 * Waits for a turn of the event loop that took almost no time. The connections that waited were accepted in it. The kernel
 * resets those that wait when a server stops listening.
 */
const quietTurn = async (): Promise<void> => {
  for (let turns = 0; turns < 1_000; turns++) {
    const began = performance.now();
    await immediate();
    if (performance.now() - began < 0.1) return;
  }
};

/** Idle connections stay open for `keepAliveMs`. */
export const createHttpServer = (
  app: Koa,
  keepAliveMs: number,
  { headersMs, requestMs, checkMs }: ServerLimits = slowSenders,
): HttpServer => {
  const connections: Connections = new Map();
  let stopping = false;
  const options: ServerOptions = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    keepAliveTimeout: keepAliveMs,
    // By default, Node drops the second of two `Authorization` headers. Joined, they are invalid and rejected.
    joinDuplicateHeaders: true,
  };
  const answer = app.callback();
  const server = createServer(options, (request, response) => {
    const { socket } = request;
    const responses = connections.get(socket);
    if (stopping) {
      // The response to an earlier request closes this connection (RFC 9112 section 9.6).
      if (responses?.size !== 0) return;
      closeAfter(response);
    }
    responses?.add(response);
    response.once('close', () => {
      responses?.delete(response);
      if (stopping && responses?.size === 0) socket.destroySoon();
    });
    void answer(request, response);
  });
  server.on('connection', (socket: Socket) => {
    connections.set(socket, new Set());
    socket.once('close', () => connections.delete(socket));
  });
  return {
    server,
    stop: async ({ drainMs, senderMs, answerMs } = stopLimits) => {
      stopping = true;
      for (const responses of connections.values()) closeAfter([...responses].at(-1));
      await wait(drainMs);
      await quietTurn();
      // Node closes those that were used and are idle. A new one may have a request on its way.
      const closed = new Promise((resolve) => server.close(resolve));
      const timers = [
        setTimeout(() => closeUnused(connections), drainMs),
        setTimeout(() => closeLateSenders(connections), senderMs),
        setTimeout(() => server.closeAllConnections(), answerMs),
      ];
      await closed;
      timers.forEach(clearTimeout);
    },
  };
};
