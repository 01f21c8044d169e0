import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, visit } from './support/browser.ts';
import { expectAccessible, expectFit, shoot } from './support/fit.ts';
import { newPageAs, signUpByHttp, useCalls } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' }), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const newPage = (person: SignedUp, options: BrowserContextOptions = {}): Promise<Page> =>
  newPageAs(browser, person, { viewport: { width: 1440, height: 900 }, ...options });

const openAs = async (
  person: SignedUp,
  path = '/usage',
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const page = await newPage(person, options);
  await visit(page, `${stack.dashboardUrl}${path}`);
  return page;
};

/** The Usage tab with a clock that the test moves. */
const openWithClock = async (person: SignedUp, time?: number): Promise<Page> => {
  const page = await newPage(person);
  await page.clock.install(time === undefined ? {} : { time });
  await visit(page, `${stack.dashboardUrl}/usage`);
  await page.waitForLoadState('networkidle');
  return page;
};

const textOf = async (page: Page, role: 'main' | 'complementary' = 'main'): Promise<string> =>
  (await page.getByRole(role).innerText()).replaceAll(/\s+/g, ' ');

/** The calls of 30 days. The last number is of today. */
const month = [
  412, 388, 450, 501, 530, 210, 190, 468, 520, 575, 590, 612, 240, 205, 540, 602, 655, 640, 700, 260, 231,
  690, 742, 811, 780, 1000, 1000, 301, 286, 340,
];

const seedMetric = ({ tenantId }: SignedUp, metric: string, source: string, counts: readonly number[]) =>
  stack.sql(
    `insert into usage_events (tenant_id, day, metric, source, count)
     select $1, (now() at time zone 'UTC')::date - (cardinality($2::int[]) - i)::int, $3, $4, count
     from unnest($2::int[]) with ordinality as used (count, i)`,
    [tenantId, counts, metric, source],
  );

const TOKENS = { 'invoice-reader': 38, 'crm-sync': 24, 'support-triage': 12, 'nightly-report': 2 };
const tokensPerDay = Object.values(TOKENS).reduce((sum, count) => sum + count, 0);

/** Agents that get so many tokens a day, and calls. */
const seed = async (person: SignedUp, calls = month): Promise<void> => {
  await seedMetric(person, 'api_calls', 'earlier', calls);
  await seedMetric(
    person,
    'token_issuances',
    'ledger',
    calls.map(() => tokensPerDay),
  );
  for (const [name, count] of Object.entries(TOKENS)) {
    const { agentId } = await person.api.agents.register({ name });
    await stack.sql(
      `insert into agent_usage (tenant_id, agent_id, metric, day, count, last_at)
       select $1, $2, 'token_issuances', (now() at time zone 'UTC')::date - i, $3, now()
       from generate_series(0, 29) as i`,
      [person.tenantId, agentId, count],
    );
  }
};

const pay = ({ tenantId }: SignedUp) =>
  stack.sql(
    `update tenant_subscriptions set tier = 'paid', status = 'active', renews_at = '2027-01-22T00:00:00Z'
     where tenant_id = $1`,
    [tenantId],
  );

const slider = (page: Page) => page.getByRole('slider');

const spokenDay = (day: string): string =>
  new Intl.DateTimeFormat('en-US', {
    weekday: 'long',
    month: 'long',
    day: 'numeric',
    timeZone: 'UTC',
  }).format(new Date(day));

interface Row {
  day: string;
  calls: string;
  tokens: string;
  agents: string;
}

/** The table of days, without its heading. */
const tableOf = (page: Page): Promise<Row[]> =>
  page
    .getByRole('table', { name: 'Usage per UTC day' })
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => {
        const [calls, tokens, agents] = Array.from(row.querySelectorAll('td'), ({ innerText }) => innerText);
        return { day: row.querySelector('time')!.dateTime, calls: calls!, tokens: tokens!, agents: agents! };
      }),
    );

describe('the history', () => {
  let person: SignedUp;
  let days: {
    day: string;
    metrics: { api_calls: number | null; token_issuances: number; active_agents: number | null };
  }[];

  beforeAll(async () => {
    person = await signUpByHttp(stack);
    await seed(person);
    days = (await person.api.billing.usageHistory()).data as typeof days;
  });

  describe('Each day of the chart can be read', () => {
    it('is a bar per day, and keys read each, with the values of the table', async () => {
      const page = await openAs(person);
      await page.getByText('Show as a table').click();
      const table = (await tableOf(page)).toReversed();
      expect(table).toEqual(
        days.map(({ day, metrics }) => ({
          day,
          calls: metrics.api_calls?.toLocaleString('en-US'),
          tokens: String(metrics.token_issuances),
          agents: String(metrics.active_agents),
        })),
      );
      const heights = await page
        .locator('svg[role=img] rect')
        .evaluateAll((bars) => bars.map((bar) => parseFloat(bar.getAttribute('height')!)));
      // The axis ends at 1,000.
      expect(heights).toEqual(days.map(({ metrics }) => metrics.api_calls! / 10));
      await slider(page).focus();
      const reads = async (i: number) =>
        expect(await slider(page).getAttribute('aria-valuetext')).toMatch(
          new RegExp(`^${spokenDay(table[i]!.day)}(, today)?: ${table[i]!.calls} API calls$`),
        );
      for (let i = 29; i > 20; i--) {
        await reads(i);
        await page.keyboard.press('ArrowLeft');
      }
      await page.keyboard.press('Home');
      await reads(0);
      await page.keyboard.press('ArrowRight');
      await reads(1);
      expect(await page.locator('.tip').innerText()).toContain(`${table[1]!.calls} API calls`);
      await page.keyboard.press('End');
      expect(await slider(page).getAttribute('aria-valuetext')).toContain(', today: 340 API calls');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Show as a table');
      await expectAccessible(page);
      await page.context().close();
    });

    it('is read under the pointer and under a finger, with value and UTC day', async () => {
      const day = days[25]!.day;
      const tip = `${new Intl.DateTimeFormat('en-US', { weekday: 'short', month: 'short', day: 'numeric', timeZone: 'UTC' }).format(new Date(day))} (UTC)`;
      const at = (page: Page) =>
        page
          .locator('svg[role=img]')
          .boundingBox()
          .then((box) => ({ x: box!.x + (box!.width * 25.5) / 30, y: box!.y + box!.height / 2 }));
      const page = await openAs(person);
      await slider(page).waitFor();
      const { x, y } = await at(page);
      await page.mouse.move(x, y);
      await page.getByText(tip).waitFor();
      expect(await textOf(page)).toContain(`${tip} 1,000 API calls 100 % of the daily limit`);
      await page.mouse.move(x, 5);
      await page.getByText(tip).waitFor({ state: 'detached' });
      await page.context().close();

      const phone = await openAs(person, '/usage', { viewport: { width: 360, height: 740 }, hasTouch: true });
      await slider(phone).scrollIntoViewIfNeeded();
      const spot = await at(phone);
      await phone.touchscreen.tap(spot.x, spot.y);
      await phone.getByText(tip).waitFor();
      expect(await textOf(phone)).toContain(`${tip} 1,000 API calls`);
      await phone.context().close();
    });
  });

  it('Range and metric live in the address', async () => {
    const sum = (count: number, name: 'api_calls' | 'token_issuances') =>
      days
        .slice(-count)
        .reduce((total, { metrics }) => total + (metrics[name] ?? 0), 0)
        .toLocaleString('en-US');
    const page = await openAs(person);
    await page.getByRole('link', { name: '7 days' }).click();
    await page.waitForURL('**/usage?range=7d');
    await page.getByText(`${sum(7, 'api_calls')} in 7 days`).waitFor();
    const agents = page.getByRole('region', { name: 'Tokens by agent' });
    await agents.getByText(String(38 * 7)).waitFor();
    expect((await agents.innerText()).replaceAll(/\s+/g, ' ')).toContain('invoice-reader 266 50 %');
    expect(await agents.getByRole('link', { name: 'crm-sync' }).getAttribute('href')).toMatch(
      /\/agents\/agt_[0-9a-z]{26}$/,
    );
    await page.getByRole('link', { name: /^Tokens/ }).click();
    await page.waitForURL('**/usage?range=7d&metric=tokens');
    expect(await slider(page).getAttribute('aria-valuetext')).toContain(`today: ${tokensPerDay} tokens`);
    await page.reload();
    expect(await textOf(page)).toContain(`${sum(7, 'token_issuances')} in 7 days`);
    await page.getByRole('link', { name: 'Today', exact: true }).click();
    await page.waitForURL('**/usage?range=today&metric=tokens');
    await page.getByText(`${tokensPerDay} today`).waitFor();
    await page.goBack();
    await page.waitForURL('**/usage?range=7d&metric=tokens');
    await page.getByText(`${sum(7, 'token_issuances')} in 7 days`).waitFor();
    await page.context().close();
  });

  it('Thirty days of usage are charted', async () => {
    const agents = month.map((_, i) => i % 11);
    await seedMetric(person, 'active_agents', 'settled', agents);
    // Today is not settled.
    await stack.sql(
      `delete from usage_events
       where metric = 'active_agents' and tenant_id = $1 and day = (now() at time zone 'UTC')::date`,
      [person.tenantId],
    );
    const page = await openAs(person, '/usage?metric=agents');
    await page.getByText('Show as a table').click();
    const table = (await tableOf(page)).toReversed();
    const { data } = await person.api.billing.usageHistory();
    const shown = table.map((row) => row.agents);
    expect(shown).toEqual([...agents.slice(0, -1), Object.keys(TOKENS).length].map(String));
    expect(shown).toEqual(data.map(({ metrics }) => String(metrics.active_agents)));
    expect(await page.locator('svg[role=img] rect').count()).toBe(30);
    expect(await page.getByRole('img', { name: /^Active agents per day over 30 days/ }).isVisible()).toBe(
      true,
    );
    expect(await textOf(page)).toContain('Limit 10');
    await page.getByRole('link', { name: 'Active agents 4 now' }).waitFor();
    await slider(page).focus();
    await page.keyboard.press('ArrowLeft');
    expect(await slider(page).getAttribute('aria-valuetext')).toContain(`: ${agents[28]} agents`);
    for (const metric of ['API calls', 'Tokens']) {
      await page.getByRole('navigation', { name: 'Metric' }).getByRole('link', { name: metric }).click();
      await page.getByRole('img', { name: new RegExp(`^${metric} per day over 30 days`) }).waitFor();
      expect(await page.locator('svg[role=img] rect').count()).toBe(30);
    }
    await expectAccessible(page);
    await page.context().close();
  });

  it('The console downloads the range as CSV', async () => {
    const page = await openAs(person, '/usage?range=7d');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download CSV' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(
      `sentryagent-usage-${days.at(-7)!.day}-to-${days.at(-1)!.day}.csv`,
    );
    const lines = (await readFile(await download.path(), 'utf8')).trim().split(/\r?\n/);
    expect(lines).toHaveLength(8);
    const { data } = await person.api.billing.usageHistory();
    for (const [i, { day, metrics }] of data.slice(-7).entries()) {
      const { api_calls, token_issuances, active_agents } = metrics;
      expect(lines[i + 1]).toBe([day, api_calls, token_issuances, active_agents].join(','));
    }
    const get = (query: string, cookie: string) =>
      fetch(`${stack.dashboardUrl}/usage/history.csv?${query}`, { redirect: 'manual', headers: { cookie } });
    expect((await get('from=2026-11-01&to=2026-11-02', '')).headers.get('location')).toBe(
      '/sign-in?next=%2Fusage',
    );
    expect((await get('from=x"&to=2026-11-02', person.cookie)).status).toBe(400);
    await page.context().close();
  });

  it('The history is complete without JavaScript', async () => {
    const page = await openAs(person, '/usage', { javaScriptEnabled: false });
    expect(await page.locator('svg[role=img] rect').count()).toBe(30);
    expect(await page.getByRole('img', { name: /^API calls per day over 30 days/ }).isVisible()).toBe(true);
    await page.getByText('Show as a table').click();
    expect((await tableOf(page))[0]).toMatchObject({ calls: '340', tokens: String(tokensPerDay) });
    await page.getByRole('link', { name: /^Tokens/ }).click();
    await page.getByRole('link', { name: 'Today', exact: true }).click();
    expect(page.url()).toContain('/usage?range=today&metric=tokens');
    expect(await page.getByRole('img', { name: /^Tokens per day/ }).isVisible()).toBe(true);
    await page.context().close();
  });

  it('moves nothing while it loads, and fits 320 px', async () => {
    const page = await openAs(person, '/usage', { viewport: { width: 320, height: 740 } });
    await slider(page).waitFor();
    const shift = await page.evaluate(`new Promise((resolve) => {
      let sum = 0;
      new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) sum += value;
      }).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => resolve(sum), 300);
    })`);
    expect(shift).toBeLessThan(0.02);
    await page.getByText('Show as a table').click();
    expect(await page.locator('html').evaluate((html) => html.scrollWidth)).toBeLessThanOrEqual(320);
    await page.context().close();
  });

  it('is told apart from no usage if it cannot be read', async () => {
    const page = await newPage(person);
    await page.route('**/usage/history?*', (route) => route.fulfill({ status: 503, json: {} }));
    await visit(page, `${stack.dashboardUrl}/agents`);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Usage' }).click();
    await page.getByText('The history is unavailable right now.').waitFor();
    const text = await textOf(page);
    expect(text).toContain('340 API calls of 1,000 today');
    expect(text).toContain('Tokens by agent are unavailable right now.');
    expect(text).not.toContain('First steps');
    await page.context().close();
  });
});

const CALLS = { 'crm-sync': 600, 'invoice-reader': 250, 'support-triage': 9 };

it('Calls by agent are shown with share and cap', async () => {
  const person = await signUpByHttp(stack);
  const ofAgents = (page: Page) => page.getByRole('region', { name: 'Calls by agent' });
  const empty = await openAs(person, '/usage', { javaScriptEnabled: false });
  expect(await ofAgents(empty).innerText()).toContain('No API calls today.');
  await empty.context().close();

  await seedMetric(person, 'api_calls', 'earlier', [859]);
  await seedMetric(person, 'refused_rate', 'earlier', [3]);
  await seedMetric(person, 'refused_agent', 'earlier', [1_200]);
  for (const [name, calls] of Object.entries(CALLS)) {
    const { agentId } = await person.api.agents.register({ name });
    await stack.sql(
      `insert into agent_calls values ($1, (now() at time zone 'UTC')::date, $2, 'earlier', $3)`,
      [person.tenantId, agentId, calls],
    );
    if (calls === 9) continue;
    const callCap =
      calls === 600 ? ({ max: 600, mode: 'enforce' } as const) : ({ max: 200, mode: 'report' } as const);
    await person.api.agents.update(agentId, { callCap });
  }
  const page = await openAs(person, '/usage', { javaScriptEnabled: false });
  expect((await ofAgents(page).innerText()).replaceAll(/\s+/g, ' ')).toBe(
    'Calls by agent today Agent Calls Cap Share crm-sync 600 Reached 600 69 % invoice-reader 250 Over 200 29 % support-triage 9 – 1 %',
  );
  expect(await textOf(page)).toContain('Refused today: 3 by the rate limit, 1,200 by the cap of an agent.');
  await page.context().close();
  const shown = await openAs(person);
  await ofAgents(shown).getByText('crm-sync').waitFor();
  await expectFit(shown, 'calls-by-agent');
  await shown.context().close();
});

describe('the cards', () => {
  it('Meters show percent and time to reset', async () => {
    const person = await signUpByHttp(stack);
    await useCalls(stack, person, 250);
    const { day } = await person.api.billing.usage();
    const page = await openWithClock(person, Date.parse(`${day}T18:47:00Z`));
    await page.clock.fastForward(60_500);
    const card = page.getByRole('region', { name: 'API calls' });
    await card.getByText('Resets in 5 h 12 m (00:00 UTC)').waitFor();
    expect((await card.innerText()).replaceAll(/\s+/g, ' ')).toContain('25 % 250 API calls of 1,000 today');
    const meter = card.getByRole('meter');
    expect([await meter.getAttribute('value'), await meter.getAttribute('max')]).toEqual(['250', '1000']);
    await page.context().close();
  });

  it('Every console page shows usage', async () => {
    const person = await signUpByHttp(stack);
    await useCalls(stack, person, 250);
    await person.api.agents.register({ name: 'one' });
    const page = await newPage(person);
    for (const path of ['/agents', '/onboarding', '/resources', '/billing', '/settings', '/usage']) {
      await page.goto(`${stack.dashboardUrl}${path}`);
      const summary = page.getByRole('link', { name: /^API calls today/ });
      expect((await summary.innerText()).replaceAll(/\s+/g, ' ')).toMatch(/250 \/ 1,000.*1 \/ 10/);
    }
    await page.context().close();
  });
});

describe('while time passes', () => {
  const setCalls = async ({ tenantId }: SignedUp, count: number): Promise<void> => {
    await stack.sql('update usage_events set count = $2 where tenant_id = $1', [tenantId, count]);
    await stack.emptyRedis();
  };

  it('The warning follows the count exactly', async () => {
    const person = await signUpByHttp(stack);
    await useCalls(stack, person, 799);
    const page = await openWithClock(person);
    const banner = page.getByText(/API calls for today are used/);
    /** Until the next refresh shows it. */
    const expectBanner = async (words: string | null, card: string): Promise<void> => {
      const read = async () => {
        const answered = page.waitForResponse('**/usage/history?*');
        await page.clock.fastForward(60_000);
        await answered;
        const text = await textOf(page);
        return text.includes(card) && (await banner.allInnerTexts());
      };
      await expect.poll(read, { interval: 200 }).toEqual(words === null ? [] : [words]);
    };
    await expectBanner(null, '799 API calls of 1,000 today');
    await setCalls(person, 800);
    await expectBanner('800 of 1,000 API calls for today are used.', '800 API calls of 1,000 today');
    const upgrade = page.getByRole('main').getByRole('button', { name: 'Upgrade to Paid' });
    expect(await upgrade.count()).toBe(2);
    await setCalls(person, 1_000);
    await expectBanner('All 1,000 API calls for today are used.', '1,000 API calls of 1,000 today');
    await shoot(page, 'full');
    await pay(person);
    await expectBanner(null, '1,000 API calls today');
    await stack.sql(`update tenant_subscriptions set tier = 'free' where tenant_id = $1`, [person.tenantId]);
    await expectBanner('All 1,000 API calls for today are used.', '1,000 API calls of 1,000 today');
    // What midnight does: the calls are of yesterday.
    await stack.sql('update usage_events set day = day - 1 where tenant_id = $1', [person.tenantId]);
    await stack.emptyRedis();
    await expectBanner(null, '0 API calls of 1,000 today');
    await page.context().close();
  });

  const become = (page: Page, state: 'hidden' | 'visible') =>
    page.evaluate(`
      Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    `);

  it('A hidden tab stops polling', async () => {
    // Its first steps are open, so it asks every 3 seconds too.
    const person = await signUpByHttp(stack);
    const page = await openWithClock(person);
    await page.getByText('Waiting for your first agent…').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await become(page, 'hidden');
    await page.clock.runFor(300_000);
    expect(asked).toEqual([]);
    await useCalls(stack, person, 7);
    await stack.emptyRedis();
    await become(page, 'visible');
    await page.getByText('7 API calls of 1,000 today').waitFor();
    await page.context().close();
  });
});

describe('the first steps', () => {
  const stepOf = (page: Page) => page.getByRole('listitem').and(page.locator('[aria-current=step]'));

  it('First steps tick themselves', async () => {
    const person = await signUpByHttp(stack);
    const page = await openWithClock(person);
    await stepOf(page).getByRole('heading', { name: 'Register an agent' }).waitFor();
    await expectAccessible(page);
    await shoot(page, 'first-agent');
    const passes = async (words: string): Promise<void> => {
      await page.clock.runFor(3_000);
      await page.getByText(words).waitFor();
    };

    const { agentId } = await person.api.agents.register({ name: 'first' });
    const { clientSecret } = await person.api.agents.createCredential(agentId);
    await passes('Waiting for your first token…');
    const command = (label: string) => page.getByRole('group', { name: label }).locator('code').innerText();
    const run = async (script: string) => {
      const env = { ...process.env, CLIENT_ID: agentId, CLIENT_SECRET: clientSecret };
      return (await promisify(execFile)('bash', ['-c', script], { env })).stdout;
    };
    const tokenCommand = await command('Token command');
    const token = (await run(`${tokenCommand}\necho "$TOKEN"`)).trim();
    await passes('Waiting for your first call…');
    expect(await page.getByText('(done)').count()).toBe(2);
    await shoot(page, 'first-call');

    const answer = await run(`TOKEN='${token}'\n${await command('Call command')}`);
    expect(JSON.parse(answer)).toMatchObject({ data: [{ agentId }] });
    await page.clock.runFor(3_000);
    await page.getByRole('heading', { name: 'First steps' }).waitFor({ state: 'detached' });
    await page.getByText('1 API call of 1,000 today').waitFor();
    await page.context().close();
  });

  it('ask once every 3 seconds, with one request to the API', async () => {
    const page = await openWithClock(await signUpByHttp(stack));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    for (let i = 0; i < 5; i++) {
      const answered = page.waitForEvent('requestfinished');
      await page.clock.runFor(3_000);
      await answered;
    }
    expect(asked).toEqual(Array(5).fill('/usage/now'));
    await page.context().close();
  });

  it('First steps can be hidden', async () => {
    const [one, other] = [await signUpByHttp(stack), await signUpByHttp(stack)];
    const page = await openAs(one, '/usage', { javaScriptEnabled: false });
    expect(await textOf(page)).toContain('Reload the page to check again.');
    await page.getByRole('button', { name: 'Hide' }).click();
    await page.waitForURL('**/usage');
    expect(await textOf(page)).not.toContain('First steps');
    await other.enter(page.context());
    await page.reload();
    expect(await textOf(page)).toContain('First steps');
    await page.context().close();
  });
});

it('The plan shows its price and Pricing the current plan', async () => {
  const person = await signUpByHttp(stack);
  await seed(person);
  const page = await openAs(person);
  const plan = () => page.getByRole('region', { name: 'Plan' }).innerText();
  expect((await plan()).replaceAll(/\s+/g, ' ')).toMatch(
    /Free, active .*1,000 API calls a day.*\$49 a month/,
  );
  await visit(page, `${stack.dashboardUrl}/pricing`);
  const current = (name: string) =>
    page.getByRole('region', { name, exact: true }).getByText('Current plan').count();
  expect([await current('Free'), await current('Paid')]).toEqual([1, 0]);
  await pay(person);
  await expect.poll(async () => (await person.api.billing.usage()).tier).toBe('paid');
  await page.reload();
  expect([await current('Free'), await current('Paid')]).toEqual([0, 1]);
  await shoot(page, 'pricing-paid');
  await visit(page, `${stack.dashboardUrl}/usage`);
  expect((await plan()).replaceAll(/\s+/g, ' ')).toMatch(
    /Paid, active .*\$49 a month Renews January 22, 2027 \(UTC\) Unlimited agents and API calls\./,
  );
  await shoot(page, 'paid');
  await page.context().close();
  const visitor = await browser.newPage();
  await visit(visitor, `${stack.dashboardUrl}/pricing`);
  expect(await visitor.getByText('Current plan').count()).toBe(0);
  await visitor.close();
});

it('The warning carries the upgrade', async () => {
  const person = await signUpByHttp(stack);
  await seed(person, [...month.slice(0, -1), 820]);
  const page = await openAs(person);
  const banner = page.getByRole('main').locator('.banner');
  expect((await banner.innerText()).replaceAll(/\s+/g, ' ')).toContain(
    '820 of 1,000 API calls for today are used.',
  );
  expect(await banner.getByRole('link').getAttribute('href')).toBe('/pricing');
  await shoot(page, 'near');
  await banner.getByRole('button', { name: 'Upgrade to Paid' }).click();
  // This stack has no Stripe.
  await page.getByRole('alert').getByText('The checkout could not be opened.').waitFor();
  await page.context().close();
});

it('shows the pace below the meter, and in the banner', async () => {
  const person = await signUpByHttp(stack);
  await useCalls(stack, person, 400);
  const usage = await person.api.billing.usage();
  const page = await newPage(person);
  let calls = 0;
  await page.route('**/usage/now', (route) => {
    const api_calls = { ...usage.metrics.api_calls, today: calls };
    const changed = { ...usage, warning: calls >= 800, metrics: { ...usage.metrics, api_calls } };
    return route.fulfill({ json: { usage: changed, asOf: `${usage.day}T12:50:00.000Z` } });
  });
  await page.clock.install();
  await visit(page, `${stack.dashboardUrl}/usage`);
  for (const [count, words, place] of [
    [
      600,
      'At this pace you reach 1,000 at about 21:25 UTC.',
      page.getByRole('region', { name: 'API calls' }),
    ],
    [820, 'At this pace you reach 1,000 at about 15:40 UTC.', page.getByRole('main').locator('.banner')],
  ] as const) {
    calls = count;
    await page.clock.fastForward(60_000);
    await place.getByText(words).waitFor();
    expect(await page.getByText('At this pace').count()).toBe(1);
  }
  await shoot(page, 'pace');
  await page.context().close();
});
