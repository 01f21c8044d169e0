import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { createTemporal } from '../src/platform/temporal.ts';
import type { TemporalAccess } from '../src/platform/temporal.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import type { Proxy } from './support/proxy.ts';
import { startTemporalServer } from './support/temporal-server.ts';
import type { TemporalServer } from './support/temporal-server.ts';
import { until } from '../../dev/test/support/until.ts';

vi.setConfig({ testTimeout: 180_000 });

let server: TemporalServer;
let proxy: Proxy;
let api: TestApi;
beforeAll(async () => {
  server = await startTemporalServer();
  proxy = await startProxy(server.url);
  api = await startApi({ env: { TEMPORAL_ADDRESS: new URL(proxy.url).host } });
});
afterAll(async () => {
  server.thaw();
  await api.close();
  await proxy.close();
  await server.close();
});

const ask = (): Promise<unknown> => api.deps.temporal!.within(2_000, ({ workflow }) => workflow.count());

const temporalBecomes = (status: string, temporal: string): Promise<void> =>
  until(`Temporal is told as ${temporal}`, async () => {
    const { body } = await call(api, '/health');
    return body.status === status && (body.services as Record<string, unknown>).temporal === temporal;
  });

const expectServed = (): Promise<void> =>
  until('Temporal answers', async () => (await ask()) !== undefined, 20_000);

beforeEach(async () => {
  await expectServed();
  await temporalBecomes('ok', 'connected');
});

it('A half-open connection to Temporal is replaced', async () => {
  proxy.strand();
  await expect(ask()).rejects.toMatchObject({ code: 'service_unavailable' });
  await expectServed();
});

it('A call that meets a dead Temporal replaces the connection', async () => {
  const temporal = createTemporal(api.deps.config as TemporalAccess);
  const count = () => temporal.within(2_000, ({ workflow }) => workflow.count());
  await until('it is connected', async () => (await count()) !== undefined);
  proxy.strand();
  await expect(count()).rejects.toMatchObject({ code: 'service_unavailable' });
  // gRPC's own pings take 18 s to find that out, and these calls 8 at most.
  const isAnswered = async (calls: number): Promise<boolean> =>
    calls > 0 && count().then(Boolean, () => isAnswered(calls - 1));
  expect(await isAnswered(4)).toBe(true);
  await temporal.close();
});

it('A frozen Temporal is reported and comes back', async () => {
  server.freeze();
  await temporalBecomes('degraded', 'disconnected');
  expect(await api.deps.temporal!.look()).toEqual({ state: 'disconnected', cause: expect.any(Error) });
  await expect(ask()).rejects.toMatchObject({ code: 'service_unavailable' });
  server.thaw();
  await expectServed();
});

it('A failed-over Temporal is used without a restart', async () => {
  server.freeze();
  const next = await startTemporalServer();
  proxy.lead(next.url);
  await expectServed();
  await temporalBecomes('ok', 'connected');
  proxy.lead(server.url);
  server.thaw();
  proxy.strand();
  await next.close();
});
