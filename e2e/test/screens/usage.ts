import { createClient } from '@sentryagent/sdk';
import type { Page } from 'playwright-core';
import { useCalls } from '../support/people.ts';
import type { SignedUp } from '../support/people.ts';
import { go, newcomer, open, picture } from './studio.ts';
import type { Studio } from './studio.ts';

/** The calls of 29 days before today. */
const before = [
  ...[412, 388, 450, 501, 530, 210, 190, 468, 520, 575, 590, 612, 240, 205, 540],
  ...[602, 655, 640, 700, 260, 231, 690, 742, 811, 780, 1000, 1000, 301, 286],
];

const AGENTS = { 'invoice-reader': 38, 'crm-sync': 24, 'support-triage': 12, 'nightly-report': 2 };

/** A month of calls and tokens, and so many calls today, shared by agents like the tokens. */
const seed = async ({ stack }: Studio, { tenantId, api }: SignedUp, today: number): Promise<void> => {
  const write = (metric: string, source: string, counts: number[]) =>
    stack.sql(
      `insert into usage_events (tenant_id, day, metric, source, count)
       select $1, (now() at time zone 'UTC')::date - (cardinality($2::int[]) - i)::int, $3, $4, count
       from unnest($2::int[]) with ordinality as used (count, i)`,
      [tenantId, counts, metric, source],
    );
  await write('api_calls', 'earlier', [...before, today]);
  await write('token_issuances', 'ledger', Array<number>(30).fill(76));
  for (const [name, count] of Object.entries(AGENTS)) {
    const { agentId } = await api.agents.register({ name });
    await stack.sql(
      `insert into agent_usage (tenant_id, agent_id, metric, day, count, last_at)
       select $1, $2, 'token_issuances', (now() at time zone 'UTC')::date - i, $3, now()
       from generate_series(0, 29) as i`,
      [tenantId, agentId, count],
    );
    await stack.sql(
      `insert into agent_calls values ($1, (now() at time zone 'UTC')::date, $2, 'earlier', $3)`,
      [tenantId, agentId, Math.round((today * count) / 76)],
    );
  }
};

export const walkFirstSteps = async (studio: Studio): Promise<void> => {
  const { stack } = studio;
  const person = await newcomer(studio, 'barbara');
  const page = await open(studio, person, '/usage');
  await picture(studio, page, 'usage-first-agent', 'Usage of a new tenant: the first of three steps.');
  const { agentId } = await person.api.agents.register({ name: 'invoice-reader' });
  const secret = await person.api.agents.createCredential(agentId);
  await go(studio, page, '/usage');
  await picture(studio, page, 'usage-first-token', 'The second step: a token.');
  const { access_token } = await createClient({ baseUrl: stack.apiUrl }).tokens.issue(secret);
  await go(studio, page, '/usage');
  await picture(studio, page, 'usage-first-call', 'The third step: a call.');
  await fetch(`${stack.apiUrl}/agents`, { headers: { authorization: `Bearer ${access_token}` } });
  await go(studio, page, '/usage');
  await picture(studio, page, 'usage-few', 'Usage after the first call: the steps are gone.');
  await page.context().close();
};

const showTip = async (page: Page): Promise<void> => {
  await page.getByRole('slider').focus();
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowLeft');
  await page.locator('.tip').waitFor();
};

export const walkUsage = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'tim');
  await seed(studio, person, 340);
  const page = await open(studio, person, '/usage');
  await picture(studio, page, 'usage-month', 'Usage over 30 days.');
  await picture(studio, page, 'usage-tip', 'A day of the chart, read by keyboard.', showTip);
  for (const [name, query, shows] of [
    ['usage-week', '?range=7d', 'Usage over 7 days.'],
    ['usage-today', '?range=today', 'Usage of today.'],
    ['usage-tokens', '?metric=tokens', 'Tokens over 30 days.'],
  ] as const) {
    await go(studio, page, `/usage${query}`);
    await picture(studio, page, name, shows);
  }
  await page.getByText('Show as a table').click();
  await picture(studio, page, 'usage-table', 'The same as a table.');
  await page.context().close();
};

export const walkLimits = async (studio: Studio): Promise<void> => {
  for (const [name, today, shows] of [
    ['near', 820, 'The warning from 80 % of the daily limit, with the way to Paid.'],
    ['full', 1_000, 'All calls of the day are used.'],
    ['over', 1_090, 'Billing routes are never refused, so more than the limit can be used.'],
  ] as const) {
    const person = await newcomer(studio, `limit-${name}`);
    await seed(studio, person, today);
    const page = await open(studio, person, '/usage');
    await picture(studio, page, `usage-${name}`, shows);
    await page.context().close();
  }
  const person = await newcomer(studio, 'wealthy');
  await seed(studio, person, 4_812);
  await studio.stack.sql(
    `update tenant_subscriptions set tier = 'paid', status = 'active', renews_at = '2027-01-22T00:00:00Z'
     where tenant_id = $1`,
    [person.tenantId],
  );
  const page = await open(studio, person, '/usage');
  await picture(
    studio,
    page,
    'usage-paid',
    'Usage of a paid tenant: no limits, no upgrade, the renewal date.',
  );
  await go(studio, page, '/pricing');
  await picture(studio, page, 'pricing-paid', 'Pricing for a paid tenant: the current plan.');
  await page.context().close();
};

/** The navigation of a phone and the account menu. */
export const walkNavigation = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'vint');
  await useCalls(studio.stack, person, 250);
  const page = await open(studio, person, '/pricing');
  await picture(studio, page, 'pricing-free', 'Pricing for a Free tenant: the current plan and the upgrade.');
  await go(studio, page, '/agents');
  await picture(
    studio,
    page,
    'console-menu',
    'The account menu; on a phone, in the navigation.',
    async () => {
      await go(studio, page, '/agents');
      const button = page.getByRole('button', { name: 'Open the navigation' });
      if (await button.isVisible()) await button.click();
      await page.getByRole('button', { name: 'Account menu' }).click();
      await page.getByRole('group', { name: 'Account' }).waitFor();
    },
  );
  await page.context().close();
};
