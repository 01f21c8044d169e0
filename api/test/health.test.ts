import { describe, expect, it } from 'vitest';
import { freePort } from '../../dev/src/ports.ts';
import { parseMetrics } from '../../dev/test/support/read-metrics.ts';
import { until } from '../../dev/test/support/until.ts';
import { createTemporal } from '../src/platform/temporal.ts';
import { Stripe } from '../src/platform/stripe.ts';
import { lookForWorkers } from '../src/services/health/look-for-workers.ts';
import { probeStripe, readStripeProbe } from '../src/services/health/stripe-probe.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import { appUrl, createTestDatabase, dropTestDatabase, redisUrl } from './support/servers.ts';
import { startSlowProxy } from './support/slow-proxy.ts';
import { startTemporalServer } from './support/temporal-server.ts';

const detailed = (api: TestApi) => call(api, '/health/detailed');

type Services = Record<string, { status: string; latencyMs: number | null }>;

const statusOf = async (api: TestApi, name: string) =>
  ((await detailed(api)).body.services as Services)[name]!.status;

const measured = (status: string) => ({ status, latencyMs: expect.any(Number) });
const disabled = { status: 'disabled', latencyMs: null };

/** What a configured Stripe needs. Nothing is asked of it. */
const selling = async () => ({
  STRIPE_SECRET_KEY: 'sk_test_health',
  TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
});

it('Detailed health lists every dependency', async () => {
  const api = await startApi({ env: { REDIS_URL: '' } });
  await until('Postgres answers in time', async () => (await statusOf(api, 'database')) === 'healthy');
  expect((await detailed(api)).body).toEqual({
    status: 'healthy',
    services: { database: measured('healthy'), redis: disabled, temporal: disabled, stripe: disabled },
  });
  await api.close();
});

it('All dependencies healthy answers 200', async () => {
  const api = await startApi();
  await until('all answer in time', async () => (await detailed(api)).status === 200);
  expect((await detailed(api)).body).toEqual({
    status: 'healthy',
    services: {
      database: measured('healthy'),
      redis: measured('healthy'),
      temporal: disabled,
      stripe: disabled,
    },
  });
  await api.close();
});

describe('with a Redis that is late', () => {
  it('A slow dependency answers 207', async () => {
    const database = await createTestDatabase();
    const redis = await startSlowProxy(redisUrl(database));
    const api = await startApi({ database, env: { REDIS_URL: redis.url } });
    redis.delayMs = 1_200;
    await until('Redis is degraded', async () => (await statusOf(api, 'redis')) === 'degraded', 90_000);
    const { status, body } = await detailed(api);
    expect([status, body.status, (body.services as Services).database!.status]).toEqual([
      207,
      'degraded',
      'healthy',
    ]);
    redis.delayMs = 0;
    await until('Redis is healthy again', async () => (await statusOf(api, 'redis')) === 'healthy', 90_000);
    await api.close();
    redis.close();
    await dropTestDatabase(database);
  });

  it('Health probes are bounded and shared', async () => {
    const database = await createTestDatabase();
    const redis = await startSlowProxy(redisUrl(database));
    const api = await startApi({ database, env: { REDIS_URL: redis.url } });
    redis.delayMs = Infinity;
    const asked = () => redis.countSent('\r\nping\r\n');
    const before = asked();
    const replies = await Promise.all(Array.from({ length: 100 }, () => detailed(api)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([503]));
    expect(asked() - before).toBe(1);
    expect((replies[0]!.body.services as Services).redis!.status).toBe('unreachable');
    await api.close();
    redis.close();
    await dropTestDatabase(database);
  });
});

describe('with a dependency that is cut off', () => {
  it('An unreachable dependency answers 503', async () => {
    const database = await createTestDatabase();
    const postgres = await startProxy(appUrl(database));
    const api = await startApi({ database, env: { APP_DATABASE_URL: postgres.url } });
    await postgres.cut();
    await until('Postgres is unreachable', async () => (await statusOf(api, 'database')) === 'unreachable');
    const { status, body } = await detailed(api);
    expect([status, body.status]).toEqual([503, 'unreachable']);
    await postgres.mend();
    await until('all is well again', async () => (await detailed(api)).status === 200);
    await api.close();
    await postgres.close();
    await dropTestDatabase(database);
  });

  it('Losing Redis leaves the API ready; Losing Postgres makes the API unready', async () => {
    const database = await createTestDatabase();
    const [postgres, redis] = [await startProxy(appUrl(database)), await startProxy(redisUrl(database))];
    const env = { ...(await selling()), APP_DATABASE_URL: postgres.url, REDIS_URL: redis.url };
    const api = await startApi({ database, env });
    const ready = () => call(api, '/health/ready');
    const isAway = async (name: string) =>
      ((await call(api, '/health')).body.services as Record<string, string>)[name] === 'disconnected';
    await redis.cut();
    await until(
      'Redis and Temporal are away',
      async () => (await isAway('redis')) && (await isAway('temporal')),
    );
    expect(await ready()).toMatchObject({ status: 200, body: { status: 'ready' } });

    await postgres.cut();
    await until('Postgres is away', async () => (await ready()).status === 503);
    expect((await ready()).body.code).toBe('service_unavailable');
    await postgres.mend();
    await until('the API is ready again', async () => (await ready()).status === 200);
    await api.close();
    for (const proxy of [postgres, redis]) await proxy.close();
    await dropTestDatabase(database);
  });

  it('an API that cannot sign is not ready', async () => {
    const api = await startApi();
    expect((await call(api, '/health/ready')).status).toBe(200);
    Object.defineProperty(api.deps.signingKeys, 'current', {
      get: () => {
        throw new Error('the key cannot be decrypted');
      },
    });
    expect((await call(api, '/health/ready')).status).toBe(500);
    await api.close();
  });
});

it('A lost service reads zero', async () => {
  const database = await createTestDatabase();
  const redis = await startProxy(redisUrl(database));
  const api = await startApi({ database, env: { REDIS_URL: redis.url } });
  const gauges = async () => {
    const samples = parseMetrics(await api.deps.metrics.registry.metrics());
    const ours = samples.filter(({ name }) => name === 'agentidp_dependency_healthy');
    return Object.fromEntries(ours.map(({ labels, value }) => [labels.dependency, value]));
  };
  await redis.cut();
  await until('Redis reads zero', async () => (await gauges()).redis === 0);
  expect(await gauges()).toEqual({ database: 1, redis: 0 });
  await api.close();
  await redis.close();
  await dropTestDatabase(database);
});

describe('what workers tell', () => {
  /** A Stripe that answers so. */
  const stripeThat = (list: () => Promise<unknown>) => ({ prices: { list } }) as unknown as Stripe;

  it('A worker that probed Stripe tells the API how it is', async () => {
    const api = await startApi({ env: await selling() });
    const { db } = api.deps;
    expect(await readStripeProbe(db)).toMatchObject({ state: 'degraded', latencyMs: null });
    await probeStripe({ db, stripe: stripeThat(async () => ({})) });
    expect(await readStripeProbe(db)).toEqual({ state: 'connected', latencyMs: expect.any(Number) });
    expect((await detailed(api)).body.services).toMatchObject({ stripe: measured('healthy') });

    const refusal = Stripe.errors.StripeError.generate({ type: 'api_error', statusCode: 401 } as never);
    await probeStripe({ db, stripe: stripeThat(() => Promise.reject(refusal)) });
    expect(await readStripeProbe(db)).toMatchObject({ state: 'degraded', latencyMs: expect.any(Number) });
    await probeStripe({ db, stripe: stripeThat(() => Promise.reject(new Error('ECONNREFUSED'))) });
    expect(await readStripeProbe(db)).toMatchObject({ state: 'disconnected' });
    await api.sql(`update service_probes set probed_at = now() - interval '61 seconds'`);
    expect(await readStripeProbe(db)).toMatchObject({ state: 'degraded', latencyMs: null });
    await api.close();
  });

  it('A Temporal that no worker polls is degraded', async () => {
    const server = await startTemporalServer();
    const address = new URL(server.url).host;
    const temporal = createTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' });
    expect(await lookForWorkers(temporal)).toMatchObject({ state: 'degraded' });
    await server.close();
    await expect(lookForWorkers(temporal)).rejects.toMatchObject({ code: 'service_unavailable' });
    await temporal.close();
  });
});
