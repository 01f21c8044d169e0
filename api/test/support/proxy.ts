import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { freePort } from '../../../dev/src/ports.ts';

/** A way to a server that can be cut and mended, as if the server had stopped and come back. */
export interface Proxy {
  url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Takes connections from now on and answers nothing, as if the server hung; `cut` ends that. */
  hang(): void;
  /** Swallows what comes over the connections of now, as if their peer were gone without a word; new ones work. */
  strand(): void;
  /** Connects to another server from now on, as an address does after a failover; old connections keep theirs. */
  lead(target: string): void;
  close(): Promise<void>;
}

export const startProxy = async (target: string): Promise<Proxy> => {
  const sockets = new Set<Socket>();
  let to = new URL(target);
  let hanging = false;
  const create = () =>
    // Without a delay, as the client and the server have it: two small writes would wait 40 ms.
    createServer({ noDelay: true }, (near) => {
      const far = connect({ port: Number(to.port), host: to.hostname, noDelay: true });
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
      }
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
      if (!hanging) near.pipe(far).pipe(near);
    });
  const own = await freePort();
  let server = create().listen(own, '127.0.0.1');
  await once(server, 'listening');
  const strand = (): void => {
    for (const socket of sockets) socket.unpipe().resume();
  };
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
      strand();
    },
    strand,
    lead: (next) => {
      to = new URL(next);
    },
    close: cut,
  };
};
