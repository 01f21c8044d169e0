import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to Postgres that reads along. */
export interface Tap {
  url: string;
  /** The statements of each transaction since the last call, in the order in which they were sent. */
  takeTransactions(): string[][];
  close(): Promise<void>;
}

/** The first message of a connection has no type of its own (PostgreSQL's protocol, "Message Formats"). */
const HEADER = 5;

/**
 * The statements of a client's messages: of `Query`, and of each `Bind`, which names a statement that an earlier `Parse` has
 * prepared.
 */
const createReader = (onStatement: (sql: string) => void): ((data: Buffer) => void) => {
  const prepared = new Map<string, string>();
  let pending: Buffer = Buffer.alloc(0);
  let started = false;
  return (data) => {
    pending = Buffer.concat([pending, data]);
    for (;;) {
      if (pending.length < HEADER) return;
      const length = started ? pending.readInt32BE(1) + 1 : pending.readInt32BE(0);
      if (pending.length < length) return;
      const type = String.fromCharCode(pending[0]!);
      const [first = '', second = ''] = pending.subarray(HEADER, length).toString().split('\0', 2);
      if (started && type === 'Q') onStatement(first);
      if (started && type === 'P') prepared.set(first, second);
      if (started && type === 'B') onStatement(prepared.get(second)!);
      started = true;
      pending = pending.subarray(length);
    }
  };
};

/** A proxy before a server without TLS that notes every statement sent to it. */
export const tapStatements = async (target: string): Promise<Tap> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let transactions: string[][] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let current: string[] | undefined;
    const read = createReader((sql) => {
      if (!current) transactions.push((current = []));
      current.push(sql);
      if (!/^begin/i.test(current[0]!) || /^(commit|rollback);?$/i.test(sql)) current = undefined;
    });
    near.on('data', read);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.toString(),
    takeTransactions: () => {
      const taken = transactions;
      transactions = [];
      return taken;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
