import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { createHealthServer } from '../src/health.ts';

type Parts = Parameters<typeof createHealthServer>[0];
type States = ReturnType<NonNullable<ReturnType<Parts['workers']>>['states']>;
type Services = ReturnType<Parts['watch']['current']>;

const WELL: Services = { database: 'connected', temporal: 'connected' };

it.each<[string, States | undefined, Services, number, string]>([
  ['all well', ['RUNNING', 'RUNNING'], WELL, 200, 'ok'],
  ['Temporal silent', ['RUNNING', 'RUNNING'], { ...WELL, temporal: 'disconnected' }, 200, 'degraded'],
  ['the database read-only', ['RUNNING', 'RUNNING'], { ...WELL, database: 'degraded' }, 200, 'degraded'],
  ['Temporal not reached yet', undefined, { ...WELL, temporal: 'disconnected' }, 503, 'degraded'],
  ['a worker ended', ['RUNNING', 'FAILED'], WELL, 503, 'degraded'],
])('The health of a worker tells whether it works: %s', async (_what, states, services, status, word) => {
  const server = createHealthServer({
    workers: () => states && { states: () => states },
    watch: { current: () => services },
    metrics: { print: async () => ({ type: 'text/plain', body: 'up 1' }) },
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reply = await fetch(`${url}/health`);
  expect(reply.status).toBe(status);
  expect(await reply.json()).toEqual({
    status: word,
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    uptime: expect.any(Number),
    states: states ?? [],
    services,
  });
  expect(await (await fetch(`${url}/metrics`)).text()).toBe('up 1');
  expect((await fetch(`${url}/`)).status).toBe(404);
  server.close();
});

it('metrics that cannot be read are a 500, and the server goes on', async () => {
  const server = createHealthServer({
    workers: () => undefined,
    watch: { current: () => WELL },
    metrics: { print: () => Promise.reject(new Error('the SDK does not answer')) },
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const reply = await fetch(`${url}/metrics`);
  expect([reply.status, await reply.text()]).toEqual([500, '']);
  expect((await fetch(`${url}/health`)).status).toBe(503);
  server.close();
});
