import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { createClient } from '@sentryagent/sdk';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseMetrics, sumOf, type Sample } from '../../dev/test/support/read-metrics.ts';
import { required } from '../../dev/test/support/required.ts';
import { until } from '../../dev/test/support/until.ts';
import { startBrowser } from './support/browser.ts';
import { signUpByHttp } from './support/people.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';

const root = new URL('../../', import.meta.url).pathname;

let stack: SellingStack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startSellingStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const scrape = async (url: string): Promise<Sample[]> => parseMetrics(await (await fetch(url)).text());

const names = (samples: readonly Sample[]): Set<string> => new Set(samples.map(({ name }) => name));

it('Worker metrics stand beside the API metrics', async () => {
  await stack.billing.temporalCli(['schedule', 'trigger', '--schedule-id', 'key-rotation']);
  const taken = 'temporal_workflow_completed_total';
  await until('a workflow has run', async () => names(await scrape(stack.billing.metricsUrl)).has(taken));
  const [worker, api] = [await scrape(stack.billing.metricsUrl), await scrape(stack.metricsUrl)];
  expect(names(worker)).toContain('agentidp_credentials_expiring_soon_total');
  expect(names(worker)).toContain('temporal_worker_task_slots_available');
  expect(names(api)).toContain('agentidp_tokens_issued_total');
});

it('A tenant that differs from Stripe is counted', async () => {
  const { tenantId } = await signUpByHttp(stack);
  await stack.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [tenantId]);
  const drift = async () => sumOf(await scrape(stack.billing.metricsUrl), 'agentidp_billing_drift_total');
  expect(await drift()).toBe(0);
  await stack.billing.temporalCli(['schedule', 'trigger', '--schedule-id', 'stripe-reconcile']);
  await until('the drift is counted', async () => (await drift()) === 1);
});

/** Something of every kind that is counted. */
const causeTraffic = async (): Promise<void> => {
  const { api: member, tenantId } = await signUpByHttp(stack);
  const { agentId } = await member.agents.register({ name: 'busy', scopes: ['agents:read'] });
  const { clientId, clientSecret } = await member.agents.createCredential(agentId);
  const { access_token: token } = await member.tokens.issue({ clientId, clientSecret });
  const agent = createClient({ baseUrl: stack.apiUrl, headers: { authorization: `Bearer ${token}` } });
  await agent.agents.list();
  await stack.sql(
    `insert into usage_events (tenant_id, day, metric, source, count)
     values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', 1000)`,
    [tenantId],
  );
  await stack.emptyRedis();
  const refusals = Array.from({ length: 101 }, () => agent.agents.list().catch(({ code }) => code as string));
  const codes = new Set(await Promise.all(refusals));
  expect(codes).toContain('free_tier_limit');
  // A new window may begin in between, so more than a window's calls can be let through.
  await until('a rate limit has refused a token', () =>
    member.tokens.issue({ clientId, clientSecret }).then(
      () => false,
      () => true,
    ),
  );
  // A workflow whose activity fails.
  await stack.billing.stripe.stop();
  await stack.billing.temporalCli(['schedule', 'trigger', '--schedule-id', 'stripe-reconcile']);
  const failed = 'temporal_activity_execution_failed_total';
  await until('an activity has failed', async () =>
    names(await scrape(stack.billing.metricsUrl)).has(failed),
  );
  await stack.billing.stripe.start();
};

/** Prometheus adds these to what it scrapes. */
const ADDED = ['job', 'instance'];

/** The metrics and labels of a query that no sample has. */
const missing = (expr: string, samples: readonly Sample[]): string[] => {
  const used = [...expr.matchAll(/\b(?:agentidp|temporal|process|nodejs)_\w+/g)].map(([name]) => name);
  expect(used.length, expr).toBeGreaterThan(0);
  const found = samples.filter(({ name }) => used.includes(name));
  const labels = [...expr.matchAll(/\bby \(([^)]*)\)/g)]
    .flatMap(([, list]) => list!.split(/,\s*/))
    .concat([...expr.matchAll(/[{,](\w+)=~?"/g)].map(([, label]) => label!));
  return [
    ...used.filter((name) => !names(samples).has(name)),
    ...labels.filter((label) => !ADDED.includes(label) && !found.some((sample) => label in sample.labels)),
  ];
};

it('Every dashboard panel names a live metric', async () => {
  await causeTraffic();
  const samples = [...(await scrape(stack.metricsUrl)), ...(await scrape(stack.billing.metricsUrl))];
  const { panels } = JSON.parse(readFileSync(`${root}deploy/grafana/sentryagent.json`, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const faults = panels.flatMap(({ title, targets }) =>
    targets.flatMap(({ expr }) => missing(expr, samples).map((name) => `${title}: ${name}`)),
  );
  expect(faults).toEqual([]);
  expect(missing('sum by (nowhere) (agentidp_tokens_issued_total{other="x"})', samples)).toEqual([
    'nowhere',
    'other',
  ]);

  const rules = readFileSync(`${root}deploy/alerts/sentryagent.rules.yml`, 'utf8');
  const unknown = [...rules.matchAll(/agentidp_\w+/g)]
    .map(([name]) => name)
    .filter((name) => !names(samples).has(name));
  // It comes with the walk of the audit chains.
  expect(unknown).toEqual(['agentidp_audit_chain_integrity']);
});

it('the alert rules pass their tests', async () => {
  const promtool = (...args: string[]) => promisify(execFile)(required('TEST_PROMTOOL'), args);
  await promtool('test', 'rules', `${root}deploy/alerts/sentryagent.test.yml`);
  await promtool('check', 'config', `${root}deploy/prometheus.yml`);
});

it('all four services are healthy in detail', async () => {
  const detailed = () => fetch(`${stack.apiUrl}/health/detailed`);
  await until('all are healthy', async () => (await detailed()).status === 200);
  const { services } = (await (await detailed()).json()) as { services: Record<string, { status: string }> };
  expect(Object.entries(services).map(([name, { status }]) => [name, status])).toEqual(
    ['database', 'redis', 'temporal', 'stripe'].map((name) => [name, 'healthy']),
  );
});

it('The status page shows each service; The status page outlives the API', async () => {
  const page = await browser.newPage({ javaScriptEnabled: false });
  await page.goto(stack.dashboardUrl);
  await page.getByRole('contentinfo').getByRole('link', { name: 'Status' }).click();
  expect(new URL(page.url()).pathname).toBe('/status');
  const rows = () => page.locator('tbody tr').allInnerTexts();
  const states = async () =>
    (await rows()).map((row) => row.split(/\s*\n\s*|\t/).filter((text) => /^[A-Z]/.test(text)));
  expect((await states()).map(([name]) => name)).toEqual([
    'API',
    'Database',
    'Redis',
    'Temporal and workers',
    'Stripe',
  ]);
  expect(await page.getByRole('cell', { name: 'Healthy' }).count()).toBe(5);
  expect(await page.getByText('All services work.').count()).toBe(1);

  await stack.stopApi();
  expect((await page.reload())!.status()).toBe(200);
  expect(await page.getByText('Unreachable: API.').count()).toBe(1);
  expect((await rows()).length).toBe(1);
  await stack.startApi();
  await page.reload();
  expect((await rows()).length).toBe(5);
});
