import { createClient } from '@sentryagent/sdk';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEntry, PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { expectFit } from './support/fit.ts';
import { signUpByHttp } from './support/people.ts';
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

const open = async (person: SignedUp, path: string, options: BrowserContextOptions = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await person.enter(context);
  const page = await context.newPage();
  await visit(page, `${stack.dashboardUrl}${path}`);
  return page;
};

const paidTenant = async (): Promise<SignedUp> => {
  const person = await signUpByHttp(stack);
  await stack.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [person.tenantId]);
  return person;
};

const rows = (page: Page) => page.getByRole('rowheader').getByRole('link');

const expectNames = (page: Page, names: string[]) =>
  expect.poll(() => rows(page).allInnerTexts(), { timeout: PATIENCE_MS }).toEqual(names);

const searchOf = (page: Page): string => new URL(page.url()).search;

const daysOn = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

/** A credential for an agent, and a token with it. */
const useAgent = async (api: SignedUp['api'], agentId: string): Promise<void> => {
  const { clientId, clientSecret } = await api.agents.createCredential(agentId);
  await createClient({ baseUrl: stack.apiUrl }).tokens.issue({ clientId, clientSecret });
};

/** Mail readers, one suspended and one decommissioned, and a biller. */
const registerSome = async ({ api }: SignedUp): Promise<Record<string, string>> => {
  const ids: Record<string, string> = {};
  const register = async (name: string, more: Partial<Parameters<typeof api.agents.register>[0]> = {}) => {
    ids[name] = (await api.agents.register({ name, ...more })).agentId;
    return ids[name];
  };
  await register('billing');
  await register('mail-reader', {
    scopes: ['agents:read', 'billing:read', 'audit:read'],
    deploymentEnv: 'staging',
  });
  await api.agents.suspend(await register('mail-sender'));
  await api.agents.decommission(await register('mail-old'));
  await api.agents.createCredential(ids['billing']!, { expiresAt: daysOn(6.5) });
  await useAgent(api, ids['billing']!);
  await api.agents.createCredential(ids['mail-reader']!, { expiresAt: daysOn(90.5) });
  return ids;
};

const registerButton = (page: Page) => page.getByRole('button', { name: 'Register agent' });

describe('the list of agents', () => {
  it('Agents are searched and filtered', async () => {
    const person = await signUpByHttp(stack);
    const ids = await registerSome(person);
    const page = await open(person, '/agents');
    await expectNames(page, ['mail-sender', 'mail-reader', 'billing']);
    await expectFit(page, 'list');
    const billing = page.getByRole('row').filter({ hasText: 'billing' });
    expect(await billing.innerText()).toMatch(
      /Active\s+agents:read\s+2, next expires in 6 days\s+(now|1 minute ago)/,
    );

    const search = page.getByRole('searchbox', { name: 'Search by name or id' });
    await search.pressSequentially('AIL');
    await expectNames(page, ['mail-sender', 'mail-reader']);
    expect(searchOf(page)).toBe('?q=AIL');
    expect(await page.locator(':focus').getAttribute('name')).toBe('q');

    const status = page.getByRole('combobox', { name: 'Status' });
    await status.focus();
    await status.selectOption('All statuses');
    await expectNames(page, ['mail-old', 'mail-sender', 'mail-reader']);
    await status.selectOption('Suspended');
    await expectNames(page, ['mail-sender']);
    expect(await page.locator(':focus').getAttribute('name')).toBe('status');
    expect(searchOf(page)).toBe('?q=AIL&status=suspended');
    await page.reload();
    await expectNames(page, ['mail-sender']);
    expect([await search.inputValue(), await status.inputValue()]).toEqual(['AIL', 'suspended']);
    await page.goBack();
    await expectNames(page, ['mail-old', 'mail-sender', 'mail-reader']);
    expect(await status.inputValue()).toBe('all');

    await visit(page, `${stack.dashboardUrl}/agents?q=${ids['billing']}`);
    await expectNames(page, ['billing']);
    await page.getByRole('combobox', { name: 'Environment' }).selectOption('Staging');
    await page.getByText('No agent matches').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Clear filters' }).first().click();
    await expectNames(page, ['mail-sender', 'mail-reader', 'billing']);
    expect(await search.inputValue()).toBe('');
    await page.context().close();
  });

  it('Each agent has a menu and an id to copy', async () => {
    const person = await signUpByHttp(stack);
    const ids = await registerSome(person);
    const page = await open(person, '/agents?status=all');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const copy = page.getByRole('button', { name: 'Copy the id of billing' });
    const isShown = () =>
      copy.evaluate((button) => button.parentElement!.checkVisibility({ opacityProperty: true }));
    expect(await isShown()).toBe(false);
    await copy.focus();
    expect(await isShown()).toBe(true);
    await page.keyboard.press('Enter');
    await expect
      .poll(() => page.evaluate('navigator.clipboard.readText()'), { timeout: PATIENCE_MS })
      .toBe(ids['billing']);

    const itemsOf = async (name: string): Promise<(string | null)[][]> => {
      await page.getByRole('button', { name: `Actions for ${name}` }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Open' }).waitFor();
      const items = await page
        .getByRole('menuitem')
        .evaluateAll((all) => all.map((item) => [item.textContent.trim(), item.getAttribute('href')]));
      if (name === 'billing') await expectFit(page, 'menu');
      await page.keyboard.press('Escape');
      await page.getByRole('menuitem').first().waitFor({ state: 'detached' });
      return items;
    };
    const own = `/agents/${ids['billing']}`;
    expect(await itemsOf('billing')).toEqual([
      ['Open', own],
      ['New secret', `${own}/credentials?dialog=new-secret`],
      ['Suspend', `${own}?dialog=suspend`],
      ['Decommission', `${own}?dialog=decommission`],
    ]);
    expect((await itemsOf('mail-sender')).map(([name]) => name)).toContain('Reactivate');
    expect((await itemsOf('mail-old')).map(([name]) => name)).toEqual(['Open']);
    await page.context().close();
  });

  it('A sorted and filtered list is paged', async () => {
    const person = await paidTenant();
    const names = Array.from({ length: 45 }, (_, i) => `worker ${String(i).padStart(2, '0')}`);
    for (const name of names) await person.api.agents.register({ name });
    await person.api.agents.register({ name: 'other' });
    const page = await open(person, '/agents?q=worker');
    await page.getByRole('columnheader', { name: 'Agent' }).getByRole('link').click();
    await expectNames(page, names.slice(0, 20));
    expect(searchOf(page)).toBe('?q=worker&sort=name');
    expect(await page.getByRole('columnheader', { name: 'Agent' }).getAttribute('aria-sort')).toBe(
      'ascending',
    );
    await page.getByRole('link', { name: 'Next page' }).click();
    await expectNames(page, names.slice(20, 40));
    await page.reload();
    await expectNames(page, names.slice(20, 40));
    await page.getByRole('link', { name: 'Next page' }).click();
    await expectNames(page, names.slice(40));
    expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0);
    // The cursor of one sort means nothing in another one.
    await visit(page, page.url().replace('sort=name', 'sort=-name'));
    await expectNames(page, names.toReversed().slice(0, 20));
    expect(searchOf(page)).toBe('?q=worker&sort=-name');
    await page.getByRole('columnheader', { name: 'Agent' }).getByRole('link').click();
    await expectNames(page, names.slice(0, 20));
    await page.context().close();
  });

  it('The list works without JavaScript', async () => {
    const person = await paidTenant();
    const ids = await registerSome(person);
    for (let i = 10; i < 32; i++) await person.api.agents.register({ name: `bot ${i}` });
    const page = await open(person, '/agents', { javaScriptEnabled: false });
    await page.getByRole('searchbox').fill('mail');
    await page.getByRole('combobox', { name: 'Status' }).selectOption('All statuses');
    await page.getByRole('combobox', { name: 'Sort' }).selectOption('Name, A to Z');
    await page.getByRole('button', { name: 'Apply' }).click();
    await expectNames(page, ['mail-old', 'mail-reader', 'mail-sender']);
    const actions = page.getByRole('link', { name: 'Actions for mail-old' });
    expect(await actions.evaluate((link) => new URL(link.getAttribute('href')!, link.baseURI).pathname)).toBe(
      `/agents/${ids['mail-old']}`,
    );
    await page.getByRole('link', { name: 'Clear filters' }).click();
    await page.getByRole('link', { name: 'Next page' }).click();
    await expectNames(page, ['bot 29', 'bot 30', 'bot 31', 'mail-reader', 'mail-sender']);
    await page.context().close();
  });

  it('Pages lead forward and back', async () => {
    const person = await paidTenant();
    const names = Array.from({ length: 41 }, (_, i) => `bot ${i + 10}`);
    for (const name of names) await person.api.agents.register({ name });
    const page = await open(person, '/agents?sort=name', { javaScriptEnabled: false });
    const link = (name: string) => page.getByRole('link', { name });
    const pagesOf = [names.slice(0, 20), names.slice(20, 40), names.slice(40)];
    for (const shown of pagesOf.slice(0, -1)) {
      await expectNames(page, shown);
      await link('Next page').click();
    }
    for (const shown of pagesOf.slice(1).toReversed()) {
      await expectNames(page, shown);
      await link('Previous page').click();
    }
    await expectNames(page, pagesOf[0]!);
    expect(searchOf(page)).toBe('?sort=name');
    expect(await link('Previous page').or(link('First page')).count()).toBe(0);
    await page.context().close();
  });

  it('An empty list says what comes next', async () => {
    const person = await signUpByHttp(stack);
    const page = await open(person, '/agents');
    await page.getByText('No agents yet — register your first agent.').waitFor();
    const register = page.getByRole('main').getByRole('link', { name: 'Register an agent' });
    expect(new URL((await register.getAttribute('href'))!, page.url()).pathname).toBe('/onboarding');
    await expectFit(page, 'empty');
    const { agentId } = await person.api.agents.register({ name: 'gone' });
    await person.api.agents.decommission(agentId);
    await page.reload();
    await page.getByRole('link', { name: 'Show decommissioned agents' }).click();
    await expectNames(page, ['gone']);
    await page.context().close();
  });
});

it('A followed link asks for little', async () => {
  const person = await signUpByHttp(stack);
  const page = await open(person, '/settings');
  const left = async () => {
    const { headers } = await fetch(`${stack.apiUrl}/billing/usage`, { headers: { cookie: person.cookie } });
    return Number(/"window";r=(\d+)/.exec(headers.get('ratelimit')!)![1]);
  };
  const before = await left();
  for (const name of ['Agents', 'Resources', 'Settings']) {
    await openEntry(page, name);
    await page.getByRole('heading', { name, level: 1 }).waitFor();
  }
  // The second look itself, and one each for the agents and the resources. An empty list asks once more.
  expect(before - (await left())).toBeLessThanOrEqual(4);
  await page.context().close();
});

describe('registering', () => {
  it('An agent needs only a name. The side bar follows a change', async () => {
    const person = await signUpByHttp(stack);
    const page = await open(person, '/onboarding');
    expect(await page.getByRole('group', { name: 'Scopes' }).isVisible()).toBe(false);
    await page.getByLabel('Name').fill('plain');
    await registerButton(page).click();
    await page.getByRole('heading', { name: 'plain is registered' }).waitFor();
    await page.getByRole('complementary', { name: 'Console' }).getByText('1 / 10').waitFor();

    await visit(page, `${stack.dashboardUrl}/onboarding`);
    await page.getByText('More options').click();
    await expectFit(page, 'options');
    await page.getByLabel('Environment').selectOption('Staging');
    await page.getByLabel('The first secret expires').selectOption({ index: 1 });
    await page.getByRole('checkbox', { name: 'billing:read' }).check();
    await page.getByLabel('Name').fill('plain');
    await registerButton(page).click();
    await page.locator('#name-problem').waitFor();
    // What was chosen stays, and stays in sight.
    expect(await page.getByLabel('Environment').inputValue()).toBe('staging');
    await page.getByLabel('Name').fill('chosen');
    await registerButton(page).click();
    await page.getByRole('heading', { name: 'chosen is registered' }).waitFor();

    const [chosen, plain] = (await person.api.agents.list()).data;
    expect(plain).toMatchObject({
      scopes: ['agents:read'],
      deploymentEnv: 'production',
      credentials: { active: 1, nextExpiresAt: null },
    });
    expect(chosen).toMatchObject({
      scopes: ['agents:read', 'billing:read'],
      deploymentEnv: 'staging',
      credentials: { active: 1 },
    });
    const days = (Date.parse(chosen!.credentials.nextExpiresAt!) - Date.now()) / 86_400_000;
    expect(Math.ceil(days)).toBe(30);
    await page.context().close();
  });

  it.each([true, false])('At the limit of agents both ways out are offered', async (javaScriptEnabled) => {
    const person = await signUpByHttp(stack);
    await useAgent(person.api, (await person.api.agents.register({ name: 'agent 1' })).agentId);
    for (let i = 2; i < 10; i++) await person.api.agents.register({ name: `agent ${i}` });
    const page = await open(person, '/onboarding', { javaScriptEnabled });
    const limit = page.getByRole('alert').filter({ hasText: 'agents of the Free plan are in use' });
    expect(await limit.count()).toBe(0);
    await person.api.agents.register({ name: 'agent 10' });
    await page.getByLabel('Name').fill('one too many');
    await registerButton(page).click();
    await limit.waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('one too many');
    expect(await limit.getByRole('button', { name: 'Upgrade to Paid' }).count()).toBe(1);
    await visit(page, `${stack.dashboardUrl}/onboarding`);
    await limit.waitFor();
    if (javaScriptEnabled) await expectFit(page, 'limit');
    await limit.getByRole('link', { name: 'Choose an agent to decommission' }).click();
    await expectNames(page, [...Array.from({ length: 9 }, (_, i) => `agent ${i + 2}`), 'agent 1']);
    await page.context().close();
  });
});
