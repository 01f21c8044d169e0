import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a server that can be cut and mended, as if the server had stopped and come back. */
export interface Proxy {
  url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Takes connections from now on and answers nothing, as if the server hung; `cut` ends that. */
  hang(): void;
  close(): Promise<void>;
}

export const startProxy = async (target: string): Promise<Proxy> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let hanging = false;
  const create = () =>
    createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
      }
      if (!hanging) near.pipe(far).pipe(near);
    });
  let server = create().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  const cut = async (): Promise<void> => {
    hanging = false;
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const url = new URL(target);
  url.port = String(own);
  return {
    url: url.toString(),
    cut,
    mend: async () => {
      server = create().listen(own, '127.0.0.1');
      await once(server, 'listening');
    },
    hang: () => {
      hanging = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: cut,
  };
};
