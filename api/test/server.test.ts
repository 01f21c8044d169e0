import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Koa from 'koa';
import { getRawBody } from 'raw-body';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHttpServer, slowSenders, stopLimits } from '../src/http/server.ts';
import { until } from '../../dev/test/support/until.ts';

const open: { close(): unknown }[] = [];
afterEach(() => open.splice(0).forEach((thing) => thing.close()));

/** The addresses that were asked for, by all tests. */
const asked: string[] = [];

/** What `/held` waits for. */
let held = Promise.withResolvers<void>();
beforeEach(() => {
  held = Promise.withResolvers();
});

/** Reads bodies, and answers each request with its path. */
const app = (): Koa => {
  const koa = new Koa();
  koa.silent = true;
  koa.use(async (ctx) => {
    asked.push(ctx.url);
    await getRawBody(ctx.req);
    if (ctx.path === '/held') await held.promise;
    if (ctx.path === '/never') await new Promise(() => {});
    ctx.body = ctx.path;
  });
  return koa;
};

const listen = async (...settings: [keepAliveMs: number, limits?: typeof slowSenders]) => {
  const { server, stop } = createHttpServer(app(), ...settings);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return { server, stop, port: (server.address() as AddressInfo).port };
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

/** Longer than any test: what ends by it would not end in time. */
const NEVER_MS = 600_000;

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
  const { server, stop, port } = await listen(60_000);
  const [idle, busy] = [await dial(port), await dial(port)];
  idle.socket.write(get('/idle'));
  await until('it is answered', () => idle.received().includes('/idle'));
  const arrived = once(server, 'request');
  busy.socket.write(get('/held'));
  await arrived;
  const stopped = stop({ drainMs: 0, senderMs: NEVER_MS, answerMs: NEVER_MS });
  await idle.ended;
  held.resolve();
  await Promise.all([busy.ended, stopped]);
  expect(busy.received()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\/held$/);
  expect(busy.received()).toContain('\r\nConnection: close\r\n');
});

const post = 'POST /body HTTP/1.1\r\nHost: a\r\n';

it.each([
  ['that has sent nothing', ''],
  ['in the middle of its headers', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '],
  ['in the middle of its second headers', `${get('/first')}GET / HTTP/1.1\r\nX-Slow: `],
])('No connection keeps a server from stopping: one %s', async (_what, head) => {
  const { server, stop, port } = await listen(60_000);
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const { socket, received, ended } = await dial(port);
  const [served] = await connected;
  socket.write(head);
  if (head) await until('the server has read it', () => served.bytesRead === head.length);
  if (head.includes('/first')) await until('it is answered', () => received().includes('/first'));
  await Promise.all([stop({ drainMs: 0, senderMs: NEVER_MS, answerMs: NEVER_MS }), ended]);
});

it.each([
  ['a body', `${post}Content-Length: 100\r\n\r\nx`],
  ['a chunk', `${post}Transfer-Encoding: chunked\r\n\r\n64\r\nx`],
])('No connection keeps a server from stopping: one in the middle of %s', async (_what, text) => {
  const { server, stop, port } = await listen(60_000);
  const arrived = once(server, 'request');
  const { socket, ended } = await dial(port);
  socket.write(text);
  await arrived;
  await Promise.all([stop({ drainMs: 0, senderMs: 50, answerMs: NEVER_MS }), ended]);
});

it('No connection keeps a server from stopping: one that waits for an answer that never comes', async () => {
  const { server, stop, port } = await listen(60_000);
  const arrived = once(server, 'request');
  const { socket, ended } = await dial(port);
  socket.write(get('/never'));
  await arrived;
  await Promise.all([stop({ drainMs: 0, senderMs: 50, answerMs: 100 }), ended]);
});

it('No connection keeps a server from stopping: the limits', () => {
  expect(stopLimits).toEqual({ drainMs: 500, senderMs: 2_000, answerMs: 10_000 });
});

it.each([
  ['over a connection that was idle', get('/first')],
  ['over a new connection', ''],
])('Stopping under load loses no request: one that is on its way, %s', async (_what, before) => {
  const { stop, port } = await listen(60_000);
  const { socket, received, ended } = await dial(port);
  socket.write(before);
  if (before) await until('it is answered', () => received().includes('/first'));
  socket.write(get('/on-its-way'));
  await Promise.all([stop({ drainMs: 200, senderMs: NEVER_MS, answerMs: NEVER_MS }), ended]);
  expect(received()).toMatch(/Connection: close\r\n[\s\S]*\/on-its-way$/);
});

it('Stopping under load loses no request: a connection that is opened a little later', async () => {
  const { stop, port } = await listen(60_000);
  // Long for a busy machine: the connection must be open by then.
  const stopped = stop({ drainMs: 2_000, senderMs: NEVER_MS, answerMs: NEVER_MS });
  // It is stopping by then: what does not wait has closed.
  await wait(100);
  const { socket, received, ended } = await dial(port);
  socket.write(get('/late'));
  await Promise.all([stopped, ended]);
  expect(received()).toMatch(/Connection: close\r\n[\s\S]*\/late$/);
});

it('A body that arrives in time is answered while the server stops', async () => {
  const { server, stop, port } = await listen(60_000);
  const arrived = once(server, 'request');
  const { socket, received, ended } = await dial(port);
  socket.write(`${post}Content-Length: 2\r\n\r\nx`);
  await arrived;
  const stopped = stop({ drainMs: 0, senderMs: NEVER_MS, answerMs: NEVER_MS });
  socket.write('x');
  await Promise.all([stopped, ended]);
  expect(received()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\/body$/);
});

it('A stopping server takes no new requests of a connection', async () => {
  const { server, stop, port } = await listen(60_000);
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const { socket, received, ended } = await dial(port);
  const [served] = await connected;
  const first = get('/held?1') + get('/held?2');
  socket.write(first);
  await until('both have arrived', () => asked.at(-1) === '/held?2');
  const stopped = stop({ drainMs: 0, senderMs: NEVER_MS, answerMs: NEVER_MS });
  socket.on('data', () => socket.write(get('/more')));
  const more = get('/more');
  socket.write(more);
  await until('the server has read it', () => served.bytesRead === first.length + more.length);
  held.resolve();
  await Promise.all([stopped, ended]);
  expect(asked).not.toContain('/more');
  const answers = received().split('HTTP/1.1 ').slice(1);
  expect(answers.map((answer) => answer.split('\r\n\r\n')[1])).toEqual(['/held', '/held']);
  expect(answers.map((answer) => /^Connection: (.*)$/m.exec(answer)![1]!.trim())).toEqual([
    'keep-alive',
    'close',
  ]);
});
