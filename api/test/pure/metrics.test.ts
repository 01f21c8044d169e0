import { expect, it } from 'vitest';
import { createMetrics } from '../../src/platform/metrics.ts';
import { parseMetrics } from '../../../dev/test/support/read-metrics.ts';

const read = async ({ registry }: ReturnType<typeof createMetrics>, name?: string) => {
  const samples = parseMetrics(await registry.metrics());
  return name === undefined ? samples : samples.filter((sample) => sample.name === `agentidp_${name}`);
};

it('The 101st tenant is counted as other', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 100 });
  for (let i = 1; i <= 101; i++) metrics.apiCall(`ten_${i}`);
  metrics.apiCall('ten_1');
  const calls = await read(metrics, 'tenant_api_calls_total');
  expect(calls).toHaveLength(101);
  const valueOf = (id: string) => calls.find(({ labels }) => labels.tenant_id === id)?.value;
  expect([valueOf('ten_1'), valueOf('ten_100'), valueOf('ten_101'), valueOf('other')]).toEqual([
    2,
    1,
    undefined,
    1,
  ]);
});

it('a refusal is labelled with the tenants that have a label, and counted in any case', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 1 });
  for (const tenant of ['ten_1', 'ten_2', undefined]) metrics.rateLimited('/agents', tenant);
  metrics.overQuota('ten_1', 'agents');
  metrics.overQuota('ten_3', 'api_calls');
  const labels = async (name: string) => (await read(metrics, name)).map((sample) => sample.labels);
  expect(await labels('rate_limit_hits_total')).toEqual([
    { endpoint: '/agents', tenant_id: 'ten_1' },
    { endpoint: '/agents', tenant_id: 'other' },
    { endpoint: '/agents', tenant_id: 'none' },
  ]);
  expect(await labels('billing_limit_rejections_total')).toEqual([
    { tenant_id: 'ten_1', limit_type: 'agents' },
    { tenant_id: 'other', limit_type: 'api_calls' },
  ]);
  expect((await read(metrics, 'rate_limit_rejections_total'))[0]?.value).toBe(3);
});

it('requests are counted by route and status, and their times in seconds', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 1 });
  const route = { method: 'GET', path: '/agents' };
  for (const status of [200, 200, 503]) metrics.request(route, status, 20);
  const seen = await read(metrics, 'http_requests_total');
  expect(seen.map(({ labels, value }) => [labels, value])).toEqual([
    [{ ...route, status_code: '200' }, 2],
    [{ ...route, status_code: '503' }, 1],
  ]);
  const buckets = await read(metrics, 'http_request_duration_seconds_bucket');
  expect(buckets.find(({ labels }) => labels.le === '0.01')).toMatchObject({ labels: route, value: 0 });
  expect(buckets.find(({ labels }) => labels.le === '0.025')).toMatchObject({ labels: route, value: 3 });
});

it('refusals have at most a thousand pairs of an endpoint and a tenant', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 100 });
  for (let i = 0; i < 20; i++)
    for (let tenant = 0; tenant < 100; tenant++) metrics.rateLimited(`/${i}`, `ten_${tenant}`);
  const hits = await read(metrics, 'rate_limit_hits_total');
  expect(hits.filter(({ labels }) => labels.tenant_id !== 'other')).toHaveLength(1_000);
  expect(hits.find(({ labels }) => labels.endpoint === '/19')).toMatchObject({
    labels: { tenant_id: 'other' },
    value: 100,
  });
});

it('statements and commands have labels from short lists', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 1 });
  for (const sql of ['SELECT 1', 'insert into t', '  ', 'update t', 'delete from t', 'with x as (select 1)'])
    metrics.query(sql, 2);
  for (let i = 0; i < 1_000; i++) metrics.command(`command-${i}`, 1);
  const labelsOf = async (name: string, label: string) =>
    (await read(metrics, `${name}_count`)).map(({ labels, value }) => [labels[label], value]);
  expect(await labelsOf('db_query_duration_seconds', 'operation')).toEqual([
    ['select', 1],
    ['insert', 1],
    ['other', 2],
    ['update', 1],
    ['delete', 1],
  ]);
  const commands = await labelsOf('redis_command_duration_seconds', 'command');
  expect([commands.length, commands.at(-1)]).toEqual([31, ['other', 970]]);
  expect((await read(metrics, 'db_query_duration_seconds_sum'))[0]?.value).toBe(0.002);
  const quick = await read(metrics, 'redis_command_duration_seconds_bucket');
  expect(quick.find(({ labels }) => labels.command === 'other' && labels.le === '0.001')?.value).toBe(970);
});

it('a gauge is read when it is scraped, and has no value if that fails', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 1 });
  let isLost = false;
  const unlessLost = async <T>(value: T): Promise<T> => {
    if (isLost) throw new Error('no connection');
    return value;
  };
  metrics.gauge('plain', 'Plain', () => unlessLost(3));
  metrics.gauge('labelled', 'Labelled', () => unlessLost({ a: 1, b: 0 }), 'kind');
  expect((await read(metrics, 'plain'))[0]?.value).toBe(3);
  const both = () => read(metrics, 'labelled');
  const one = [
    { name: 'agentidp_labelled', labels: { kind: 'a' }, value: 1 },
    { name: 'agentidp_labelled', labels: { kind: 'b' }, value: 0 },
  ];
  // Two at once do not disturb each other.
  expect(await Promise.all([both(), both()])).toEqual([one, one]);
  isLost = true;
  expect(await both()).toEqual([]);
  expect((await read(metrics, 'plain'))[0]?.value).toBeNaN();
});

it('the outcomes of two operations are counted, from zero', async () => {
  const metrics = createMetrics({ METRICS_MAX_TENANTS: 1 });
  metrics.outcome('issueToken', 'success');
  metrics.outcome('toString', 'success');
  const values = async (name: string) =>
    (await read(metrics, name)).map(({ labels, value }) => [labels.outcome, value]);
  expect(await values('tokens_issued_total')).toEqual([
    ['success', 1],
    ['failure', 0],
  ]);
  expect(await values('agents_registered_total')).toEqual([
    ['success', 0],
    ['failure', 0],
  ]);
});
