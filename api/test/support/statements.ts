import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to Postgres that hears every statement on its way there. */
export interface Tap {
  url: string;
  /** What was sent so far; empty it to begin anew. */
  statements: string[];
  close(): Promise<void>;
}

const QUERY = 'Q'.charCodeAt(0);
const PARSE = 'P'.charCodeAt(0);

/** Reads the protocol's frames: the first has no type, the others are a type, a length and what they carry. */
const listen = (socket: Socket, heard: (statement: string) => void): void => {
  let pending = Buffer.alloc(0);
  let started = false;
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (pending.length < head + 4) return;
      const end = head + pending.readUInt32BE(head);
      if (pending.length < end) return;
      const [type, body] = [started ? pending[0] : undefined, pending.subarray(head + 4, end)];
      if (type === QUERY) heard(body.toString('utf8').split('\0')[0]!);
      if (type === PARSE) heard(body.toString('utf8').split('\0')[1]!);
      started = true;
      pending = pending.subarray(end);
    }
  });
};

export const startTap = async (target: string): Promise<Tap> => {
  const { hostname, port } = new URL(target);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    listen(near, (statement) => statements.push(statement));
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.toString(),
    statements,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
