import { AxeBuilder } from '@axe-core/playwright';
import { createClient } from '@sentryagent/sdk';
import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { agentToken, signUpByHttp, useCalls } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const openAs = async (
  person: SignedUp,
  path = '/usage',
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await person.enter(context);
  const page = await context.newPage();
  await visit(page, `${stack.dashboardUrl}${path}`);
  return page;
};

const shots = process.env.SCREENSHOTS_DIR;

/** Screenshots in both widths and colors, for a reader who sets SCREENSHOTS_DIR. */
const shoot = async (page: Page, name: string): Promise<void> => {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  const before = page.viewportSize();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  if (before) await page.setViewportSize(before);
};

const mainText = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');

/** 30 days of usage. The last number is of today. */
const history = [
  412, 388, 450, 501, 530, 210, 190, 468, 520, 575, 590, 612, 240, 205, 540, 602, 655, 640, 700, 260, 231,
  690, 742, 811, 780, 1000, 1000, 301, 286, 820,
];

const seedHistory = async ({ tenantId }: SignedUp, counts = history): Promise<void> => {
  for (const [metric, source, values] of [
    ['api_calls', 'earlier', counts],
    ['token_issuances', 'ledger', counts.map((count) => Math.ceil(count / 12))],
  ] as const) {
    await stack.sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       select $1, (now() at time zone 'UTC')::date - (cardinality($2::int[]) - i)::int, $3, $4, count
       from unnest($2::int[]) with ordinality as used (count, i)`,
      [tenantId, values, metric, source],
    );
  }
};

/** Agents that got so many tokens on each of the last 30 days. */
const seedAgents = async ({ api, tenantId }: SignedUp, tokens: Record<string, number>): Promise<void> => {
  for (const [name, count] of Object.entries(tokens)) {
    const { agentId } = await api.agents.register({ name });
    await stack.sql(
      `insert into agent_usage (tenant_id, agent_id, metric, day, count, last_at)
       select $1, $2, 'token_issuances', (now() at time zone 'UTC')::date - i, $3, now()
       from generate_series(0, 29) as i`,
      [tenantId, agentId, count],
    );
  }
};

it('screens', async () => {
  const person = await signUpByHttp(stack);
  let page = await openAs(person);
  await shoot(page, 'empty');
  await seedHistory(
    person,
    history.map((v) => (v === 820 ? 340 : v)),
  );
  await seedAgents(person, {
    'invoice-reader': 38,
    'crm-sync': 24,
    'support-triage': 12,
    'nightly-report': 2,
  });
  await page.context().close();
  page = await openAs(person);
  await shoot(page, 'data');
  await page.context().close();
  const near = await signUpByHttp(stack);
  await seedHistory(near);
  await seedAgents(near, { 'invoice-reader': 38, 'crm-sync': 24, 'support-triage': 12, 'nightly-report': 2 });
  page = await openAs(near);
  await page.locator('svg[role=img]').hover();
  await shoot(page, 'near');
  await page.context().close();
  const full = await signUpByHttp(stack);
  await seedHistory(full, [...history.slice(0, 29), 1_000]);
  page = await openAs(full, '/usage?range=7d');
  await shoot(page, 'full');
  await page.context().close();
  await stack.sql(
    `update tenant_subscriptions set tier = 'paid', status = 'active', renews_at = '2027-01-22T00:00:00Z' where tenant_id = $1`,
    [near.tenantId],
  );
  page = await openAs(near, '/usage?metric=tokens');
  await shoot(page, 'paid');
  await visit(page, `${stack.dashboardUrl}/pricing`);
  await shoot(page, 'pricing');
  console.log(await mainText(page));
  await page.context().close();
});
