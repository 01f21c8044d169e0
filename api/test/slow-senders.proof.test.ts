import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** Milliseconds until a sender of one byte a second is cut off after this beginning. */
const timeToEnd = async (head: string): Promise<number> => {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  const started = performance.now();
  socket.write(head);
  const drip = setInterval(() => socket.write('x'), 1_000);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  return performance.now() - started;
};

const post = (more: string): string =>
  `POST /oauth2/token HTTP/1.1\r\nHost: api.test\r\nContent-Type: application/x-www-form-urlencoded\r\n${more}`;

it.concurrent.each([
  ['headers', 10_000, post('X-Slow: ')],
  ['a body', 30_000, post('Content-Length: 1000\r\n\r\n')],
  ['a body in chunks', 30_000, post('Transfer-Encoding: chunked\r\n\r\n200\r\n')],
])('A slow sender is cut off in time, measured: %s', async (_what, limitMs, head) => {
  const ms = await timeToEnd(head);
  console.log(`${head.split('\r\n')[3]!.trim()}: cut off after ${Math.round(ms)} ms`);
  expect(ms).toBeGreaterThan(limitMs - 100);
  expect(ms).toBeLessThan(limitMs + 2_000);
});

it('An idle connection outlives the load balancer, measured: 60 seconds', async () => {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  let answers = 0;
  socket.on('data', (data) => (answers += String(data).split('HTTP/1.1 200').length - 1));
  await once(socket, 'connect');
  for (let expected = 1; expected <= 2; expected++) {
    socket.write('GET /health HTTP/1.1\r\nHost: api.test\r\n\r\n');
    await expect.poll(() => answers).toBe(expected);
    if (expected === 1) await new Promise((resolve) => setTimeout(resolve, 61_000));
  }
  socket.destroy();
});
