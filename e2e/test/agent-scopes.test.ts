import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser, visit } from './support/browser.ts';
import { languages, makeFirstCall } from './support/first-call.ts';
import { expectFit } from './support/fit.ts';
import { newPageAs, signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

const scopes = [
  ...['agents:read', 'agents:write', 'tokens:read', 'audit:read'],
  ...['billing:read', 'billing:write', 'trust:write'],
];

let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const visitForm = async (page: Page): Promise<void> => {
  await visit(page, `${stack.dashboardUrl}/onboarding`);
  const more = page.getByText('More options');
  if (await more.isVisible()) await more.press('Enter');
};

const openForm = async (person: SignedUp, options: BrowserContextOptions = {}): Promise<Page> => {
  const page = await newPageAs(browser, person, options);
  await visitForm(page);
  return page;
};

const checkedOf = (page: Page): Promise<(string | null)[]> =>
  page
    .getByRole('checkbox', { checked: true })
    .evaluateAll((boxes) => boxes.map((box) => box.getAttribute('value')));

const send = (page: Page): Promise<void> => page.getByRole('button', { name: 'Register agent' }).click();

describe('the scopes of a new agent', () => {
  it('A new agent gets the scopes that were chosen by keyboard', async () => {
    const person = await signUpByHttp(stack);
    const page = await openForm(person);
    const group = page.getByRole('group', { name: 'Scopes' });
    expect(
      await group.getByRole('checkbox').evaluateAll((all) => all.map((box) => box.getAttribute('value'))),
    ).toEqual(scopes);
    expect(await checkedOf(page)).toEqual(['agents:read']);
    for (const scope of scopes) {
      const id = await group.getByRole('checkbox', { name: scope }).getAttribute('aria-describedby');
      expect(await page.locator(`[id="${id}"]`).innerText()).toMatch(/^[A-Z].*\.$/);
    }
    await expectFit(page, 'register');
    await page.getByLabel('Name').fill('reader');
    // The first scope is within "More options", which the test has opened.
    for (const key of ['Tab', 'Tab', 'Tab', 'Space']) await page.keyboard.press(key);
    expect(await checkedOf(page)).toEqual(['agents:read', 'agents:write']);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'reader is registered' }).waitFor();
    await expectFit(page, 'secret');
    const { data } = await person.api.agents.list();
    expect(data.map((agent) => agent.scopes)).toEqual([['agents:read', 'agents:write']]);
    await page.context().close();
  });

  it.each([true, false])('A refused registration keeps the chosen scopes', async (javaScriptEnabled) => {
    const person = await signUpByHttp(stack);
    await person.api.agents.register({ name: 'taken' });
    const page = await openForm(person, { javaScriptEnabled });
    await page.getByLabel('Name').fill('taken');
    await page.getByRole('checkbox', { name: 'agents:read' }).uncheck();
    await send(page);
    await page.getByRole('alert').getByText('Select at least one scope.').waitFor();
    expect([await page.getByLabel('Name').inputValue(), await checkedOf(page)]).toEqual(['taken', []]);
    if (javaScriptEnabled) await expectFit(page, 'no-scope');
    await page.getByRole('checkbox', { name: 'audit:read' }).check();
    await page.getByRole('checkbox', { name: 'billing:read' }).check();
    await send(page);
    await page.locator('#name-problem').waitFor();
    expect(await checkedOf(page)).toEqual(['audit:read', 'billing:read']);
    await page.context().close();
  });

  it('A member who may not register agents sees why', async () => {
    const person = await signUpByHttp(stack);
    const form = await openForm(person);
    await stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
    await form.getByLabel('Name').fill('not mine');
    await send(form);
    await form.getByRole('main').getByText('Only an owner or admin').waitFor();
    await form.context().close();
    const page = await openForm(person);
    await page.getByText('Only an owner or admin').waitFor();
    expect(await page.getByRole('button', { name: 'Register agent' }).count()).toBe(0);
    await expectFit(page, 'member');
    expect((await person.api.agents.list()).data).toEqual([]);
    await page.context().close();
  });

  it('The first calls run with every choice of scopes', async () => {
    const person = await signUpByHttp(stack);
    const page = await openForm(person, { javaScriptEnabled: false });
    for (const scope of scopes) {
      await visitForm(page);
      await page.getByLabel('Name').fill(`only ${scope}`);
      await page.getByRole('checkbox', { name: 'agents:read' }).uncheck();
      await page.getByRole('checkbox', { name: scope }).check();
      await send(page);
      await page.getByRole('heading', { name: `only ${scope} is registered` }).waitFor();
      // Each language has its own code for each of the three calls.
      const isNewCall = ['agents:read', 'billing:read', 'audit:read'].includes(scope);
      for (const language of isNewCall ? languages : (['curl'] as const)) {
        const answer = await makeFirstCall(page, language);
        if (scope === 'agents:read') expect(answer).toHaveProperty('data');
        else if (scope === 'billing:read') expect(answer).toMatchObject({ tier: 'free' });
        else expect(answer).toMatchObject({ active: true, scope });
      }
    }
    await page.context().close();
  });
});
