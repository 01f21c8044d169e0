import { createServer } from 'node:http';
import type { Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
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

export interface StopLimits {
  /** Until a request that has begun must be there. */
  senderMs: number;
  /** Until every connection is closed, answered or not. A caller waits no longer: the dashboard gives up after 10 s. */
  answerMs: number;
}

export const stopLimits: StopLimits = { senderMs: 2_000, answerMs: 10_000 };

export interface HttpServer {
  /** Listens nowhere yet. */
  server: Server;
  /**
   * Answers the requests that are there and takes no new ones; the last answer of a connection says that it closes. A
   * connection without a request is closed at once, also one that has sent half of its headers: Node leaves it open, and
   * stops enforcing its own limits as soon as it is told to close.
   */
  stop(limits?: StopLimits): Promise<void>;
}

/** What each open connection waits for, oldest first. */
type Connections = Map<Socket, Set<ServerResponse>>;

/** A connection that waits for nothing is closed; the others say in their last answer that they close. */
const closeUnused = (connections: Connections): void => {
  for (const [socket, responses] of connections) {
    const last = [...responses].at(-1);
    if (!last) socket.destroy();
    else if (!last.headersSent) last.setHeader('Connection', 'close');
  }
};

const closeLateSenders = (connections: Connections): void => {
  for (const [socket, responses] of connections) {
    if ([...responses].some(({ req }) => !req.complete)) socket.destroy();
  }
};

/** An idle connection is kept for `keepAliveMs`. */
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
    // A header that is sent twice is read as a list, which few can be: Node would drop the second `Authorization`.
    joinDuplicateHeaders: true,
  };
  const answer = app.callback();
  const server = createServer(options, (request, response) => {
    // It came after the one whose answer closes the connection: RFC 9112 section 9.6.
    if (stopping) return;
    const { socket } = request;
    const responses = connections.get(socket);
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
    stop: async ({ senderMs, answerMs } = stopLimits) => {
      stopping = true;
      const closed = new Promise((resolve) => server.close(resolve));
      closeUnused(connections);
      const timers = [
        setTimeout(() => closeLateSenders(connections), senderMs),
        setTimeout(() => server.closeAllConnections(), answerMs),
      ];
      await closed;
      timers.forEach(clearTimeout);
    },
  };
};
