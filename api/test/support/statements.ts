import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to Postgres that reads along. */
export interface Tap {
  url: string;
  /** The statements of each transaction that was begun since the last call, in the order in which they were sent. */
  takeTransactions(): string[][];
  close(): Promise<void>;
}

/** The first message of a connection has no type of its own (PostgreSQL's protocol, "Message Formats"). */
const HEADER = 5;

/** The statements of a client's messages: of `Query` and of `Parse`, whose text comes after the statement's name. */
const createReader = (onStatement: (sql: string) => void): ((data: Buffer) => void) => {
  let pending: Buffer = Buffer.alloc(0);
  let started = false;
  return (data) => {
    pending = Buffer.concat([pending, data]);
    for (;;) {
      if (pending.length < HEADER) return;
      const length = started ? pending.readInt32BE(1) + 1 : pending.readInt32BE(0);
      if (pending.length < length) return;
      const [type, body] = [String.fromCharCode(pending[0]!), pending.subarray(HEADER, length).toString()];
      if (started && type === 'Q') onStatement(body.split('\0')[0]!);
      if (started && type === 'P') onStatement(body.split('\0')[1]!);
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
    let current: string[] = [];
    const read = createReader((sql) => {
      if (/^begin/i.test(sql)) transactions.push((current = []));
      current.push(sql);
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
