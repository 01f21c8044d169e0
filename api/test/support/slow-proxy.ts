import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A way to a server whose answers are late. */
export interface SlowProxy {
  url: string;
  /** How much later each answer is; `Infinity`: there is none. */
  delayMs: number;
  /** How often this text was sent to the server. */
  countSent(text: string): number;
  close(): void;
}

export const startSlowProxy = async (target: string): Promise<SlowProxy> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let sent = '';
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    near.on('data', (data) => (sent += data.toString('latin1')));
    near.pipe(far);
    far.on('data', (data) => {
      if (proxy.delayMs === 0) near.write(data);
      else if (proxy.delayMs !== Infinity) void wait(proxy.delayMs).then(() => near.write(data));
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const proxy: SlowProxy = {
    url: url.toString(),
    delayMs: 0,
    countSent: (text) => sent.split(text).length - 1,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return proxy;
};
