import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface Silence {
  url: string;
  /** How many connections there were. */
  taken(): number;
  close(): void;
}

/** Takes connections and says nothing. */
export const startSilence = async (): Promise<Silence> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {}))).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return {
    url: `postgres://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: () => sockets.size,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
