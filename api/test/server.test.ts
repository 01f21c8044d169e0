import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Koa from 'koa';
import { getRawBody } from 'raw-body';
import { afterEach, expect, it } from 'vitest';
import { closeServer, createHttpServer, slowSenders } from '../src/http/server.ts';
import { until } from './support/until.ts';

const open: { close(): unknown }[] = [];
afterEach(() => open.splice(0).forEach((thing) => thing.close()));

/** Reads bodies, and answers each request with its path. */
const app = (): Koa => {
  const koa = new Koa();
  koa.silent = true;
  koa.use(async (ctx) => {
    await getRawBody(ctx.req);
    if (ctx.path === '/slow') await wait(300);
    ctx.body = ctx.path;
  });
  return koa;
};

const listen = async (...settings: [keepAliveMs: number, limits?: typeof slowSenders]) => {
  const server = createHttpServer(app(), ...settings).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return { server, port: (server.address() as AddressInfo).port };
};

/** A connection, all that has come over it, and whether it has ended. */
const dial = async (port: number): Promise<{ socket: Socket; received(): string; ended: Promise<void> }> => {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => (text += String(data)));
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  open.push({ close: () => socket.destroy() });
  await once(socket, 'connect');
  return { socket, received: () => text, ended };
};

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

it('A slow sender is cut off in time: the limits, and how often they are looked at', async () => {
  const { server } = await listen(65_000);
  expect(slowSenders).toEqual({ headersMs: 10_000, requestMs: 30_000, checkMs: 500 });
  expect([server.headersTimeout, server.requestTimeout, server.keepAliveTimeout]).toEqual([
    10_000, 30_000, 65_000,
  ]);
  // Node keeps what it was made with under a symbol of its own.
  const [interval] = Object.getOwnPropertySymbols(server)
    .filter((symbol) => symbol.description === 'http.server.connectionsCheckingInterval')
    .map((symbol) => (server as unknown as Record<symbol, { _repeat: number }>)[symbol]!._repeat);
  expect(interval).toBe(500);
});

/** Long enough that a busy machine reads a request of one write in time. */
const short = { headersMs: 1_000, requestMs: 1_500, checkMs: 50 };

it.each([
  ['who sends nothing', ''],
  ['in the headers', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '],
  ['in the body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n'],
  ['in a chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n'],
])('A slow sender is cut off in time: %s', async (_what, head) => {
  const { port } = await listen(60_000, short);
  const { socket, received, ended } = await dial(port);
  socket.write(head);
  // A byte now and then keeps no connection.
  const drip = setInterval(() => head && socket.write('x'), 40);
  await ended;
  clearInterval(drip);
  // What is still on its way when the server closes resets the connection, and the answer may be lost with it.
  expect(received()).toMatch(/^$|^HTTP\/1\.1 408 /);
});

it('An idle connection outlives the limits of a sender, and its next request has them anew', async () => {
  const { port } = await listen(60_000, short);
  const { socket, received, ended } = await dial(port);
  for (const path of ['/first', '/second']) {
    socket.write(get(path));
    await until('it is answered', () => received().includes(path));
    await wait(short.requestMs + 4 * short.checkMs);
  }
  expect(received()).toContain('Keep-Alive: timeout=60');
  socket.write('GET /third HTTP/1.1\r\nX-Slow: ');
  await ended;
  expect(received()).toContain('HTTP/1.1 408 ');
});

it('Stopping ends idle connections, and answers what is under way', async () => {
  const { server, port } = await listen(60_000);
  const [idle, busy] = [await dial(port), await dial(port)];
  idle.socket.write(get('/idle'));
  await until('it is answered', () => idle.received().includes('/idle'));
  const arrived = once(server, 'request');
  busy.socket.write(get('/slow'));
  await arrived;
  const closed = closeServer(server);
  await Promise.all([idle.ended, busy.ended, closed]);
  expect(busy.received()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\/slow$/);
});
