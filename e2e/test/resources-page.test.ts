import { ApiError, createClient } from '@sentryagent/sdk';
import type { Client, NewCredential } from '@sentryagent/sdk';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { expectFit } from './support/fit.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

const CRM = 'https://crm.example/api';

let stack: Stack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const open = async (person: SignedUp, path: string, javaScriptEnabled = true): Promise<Page> => {
  const context = await browser.newContext({ javaScriptEnabled });
  context.setDefaultTimeout(PATIENCE_MS);
  await person.enter(context);
  const page = await context.newPage();
  await visit(page, stack.dashboardUrl + path);
  return page;
};

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;

interface Asking {
  api: Client;
  credential: NewCredential;
}

const requestToken = ({ api, credential: { clientId, clientSecret } }: Asking) =>
  api.tokens.issue({ clientId, clientSecret, resource: CRM });

const isActive = async ({ api, credential: { clientId, clientSecret } }: Asking, token: string) =>
  (await api.tokens.introspect(token, { clientId, clientSecret })).active;

const add = async (page: Page, identifier: string, scopes: string, seconds: string): Promise<void> => {
  await page.getByLabel('Identifier').fill(identifier);
  await page.getByLabel('Scopes').fill(scopes);
  await page.getByLabel('Token lifetime in seconds').fill(seconds);
  await page.getByRole('button', { name: 'Add resource' }).click();
};

it.each([true, false])(
  'A resource is added, granted and removed, with JavaScript: %s',
  async (hasScripts) => {
    const person = await signUpByHttp(stack);
    const { agentId } = await person.api.agents.register({ name: 'crm-sync' });
    const credential = await person.api.agents.createCredential(agentId);
    const asking = { api: createClient({ baseUrl: stack.apiUrl }), credential };
    const page = await open(person, '/resources', hasScripts);
    const shoot = (name: string) => (hasScripts ? expectFit(page, name) : Promise.resolve());
    await page.getByRole('link', { name: 'Add a resource' }).click();
    await add(page, CRM, 'contacts:read, contacts:write', '300');
    await page.getByRole('heading', { name: CRM }).waitFor();
    await page.getByText('No agent can get tokens for this resource yet.').waitFor();
    const claims = await page.getByRole('group', { name: 'Claims' }).locator('code').innerText();
    expect(JSON.parse(claims)).toMatchObject({
      iss: stack.apiUrl,
      aud: CRM,
      tenant_id: person.tenantId,
      scope: 'contacts:read contacts:write',
    });
    await expect(requestToken(asking)).rejects.toThrow(ApiError);

    await page.getByRole('link', { name: 'Grant to an agent' }).click();
    await shoot('grant-dialog');
    await page.getByRole('dialog').getByRole('link', { name: 'crm-sync' }).click();
    await page.getByRole('checkbox', { name: 'contacts:read' }).check();
    await page.getByRole('button', { name: 'Save grants' }).click();
    await page.getByText('The grants are saved.').waitFor();
    expect(await page.getByRole('checkbox', { name: 'contacts:read' }).isChecked()).toBe(true);
    await shoot('grants');
    // That there was no grant is remembered for a second.
    await expect.poll(() => requestToken(asking).catch(() => undefined)).toBeTruthy();
    const token = await requestToken(asking);
    expect(claimsOf(token.access_token)).toMatchObject({ aud: CRM, scope: 'contacts:read', sub: agentId });
    expect(await isActive(asking, token.access_token)).toBe(true);
    // The sample has the claims of a real token.
    expect(Object.keys(JSON.parse(claims) as object).sort()).toEqual(
      Object.keys(claimsOf(token.access_token)).sort(),
    );

    await page.getByRole('link', { name: /^Scopes/ }).click();
    await page.getByRole('link', { name: 'scopes of your own resources' }).click();
    await page.getByRole('checkbox', { name: 'contacts:read', checked: true }).waitFor();
    const tab = page.getByRole('navigation', { name: 'Agent' }).locator('[aria-current=page]');
    expect((await tab.innerText()).replaceAll(/\s+/g, ' ').trim()).toBe('Resources 1');
    await visit(page, `${stack.dashboardUrl}/resources`);
    await page.getByRole('link', { name: CRM }).click();
    await page.getByRole('row', { name: /crm-sync contacts:read/ }).waitFor();
    await page.getByRole('link', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('row', { name: /crm-sync contacts:read/ }).waitFor();
    await shoot('remove-dialog');
    await dialog.getByRole('button', { name: 'Remove resource' }).click();
    await page.getByRole('heading', { name: 'Add the first service that your agents call' }).waitFor();
    await expect.poll(() => isActive(asking, token.access_token)).toBe(false);
    await expect(requestToken(asking)).rejects.toThrow(ApiError);
    await page.context().close();
  },
);

it.each([true, false])(
  'Two users who save grants do not overwrite each other, with JavaScript: %s',
  async (hasScripts) => {
    const person = await signUpByHttp(stack);
    await person.api.resources.create({ identifier: CRM, scopes: ['read', 'write', 'delete'] });
    const { agentId } = await person.api.agents.register({ name: 'crm-sync' });
    const stored = async () =>
      (await person.api.agents.get(agentId)).resourceGrants.flatMap(({ scopes }) => scopes);
    const page = await open(person, `/agents/${agentId}/grants`, hasScripts);
    const box = (name: string) => page.getByRole('checkbox', { name });
    const save = () => page.getByRole('button', { name: 'Save grants' }).click();

    await person.api.agents.update(agentId, { resourceGrants: [{ resource: CRM, scopes: ['delete'] }] });
    await box('read').check();
    await save();
    const alert = page.getByRole('alert').filter({ hasText: 'Someone else changed this agent' });
    await alert.getByText('delete').waitFor();
    expect(await stored()).toEqual(['delete']);
    expect([await box('read').isChecked(), await box('delete').isChecked()]).toEqual([true, false]);
    if (hasScripts) await expectFit(page, 'grants-changed');
    await save();
    await page.getByText('The grants are saved.').waitFor();
    expect(await stored()).toEqual(['read']);
    expect(await box('read').isChecked()).toBe(true);

    // A resource that the form shows is removed in the meantime.
    const { data } = await person.api.resources.list();
    await person.api.agents.update(agentId, { resourceGrants: [] });
    await visit(page, page.url().split('?')[0]!);
    await box('write').check();
    await person.api.resources.delete(data[0]!.resourceId);
    await save();
    await page.getByText('A resource or scope of this form no longer exists.').waitFor();
    await page.context().close();
  },
);

it('A wrong resource is told at its fields', async () => {
  const person = await signUpByHttp(stack);
  const page = await open(person, '/resources/new', false);
  await add(page, '/crm', 'a "b"', 'soon');
  const told = async (name: string) => [
    await page.locator(`#${name}-problem`).innerText(),
    await page.locator(`#${name}`).inputValue(),
  ];
  expect(await told('identifier')).toEqual([
    'Identifier must be an absolute URI (RFC 3986) without a fragment, such as https://crm.example.com.',
    '/crm',
  ]);
  expect(await told('scopes')).toEqual([
    expect.stringMatching(/^Scope 2 must be 1 to 64 printable/),
    'a "b"',
  ]);
  expect(await told('tokenTtlSeconds')).toEqual(['Token lifetime in seconds must be a number.', 'soon']);
  await add(page, '', '', '');
  expect(await told('identifier')).toEqual([expect.stringMatching(/^Identifier must be/), '']);
  expect(await told('scopes')).toEqual(['Scopes must have at least one item.', '']);
  expect(await told('tokenTtlSeconds')).toEqual(['Token lifetime in seconds must be at least 60.', '']);
  await person.api.resources.create({ identifier: CRM, scopes: ['a'] });
  await add(page, CRM, 'a', '60');
  expect((await told('identifier'))[0]).toMatch(/already has a resource with this identifier/);
  await page.context().close();
});

it('A member sees resources but changes none', async () => {
  const person = await signUpByHttp(stack);
  const { resourceId } = await person.api.resources.create({ identifier: CRM, scopes: ['read'] });
  const { agentId } = await person.api.agents.register({ name: 'reader' });
  await stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
  const page = await open(person, `/resources/${resourceId}`);
  await page.getByText('Only an owner or admin').waitFor();
  for (const name of ['Remove', 'Grant to an agent']) {
    expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
  }
  await visit(page, `${stack.dashboardUrl}/agents/${agentId}/grants`);
  await page.getByText('Ask an owner or admin').waitFor();
  expect(await page.getByRole('checkbox').isDisabled()).toBe(true);
  // The dialog can still be opened by its URL, and says why nothing is removed.
  await visit(page, `${stack.dashboardUrl}/resources/${resourceId}?dialog=remove`);
  await page.getByRole('button', { name: 'Remove resource' }).click();
  await page.getByRole('dialog').getByText('Only an owner or admin').waitFor();
  expect((await person.api.resources.list()).data).toHaveLength(1);
  await page.context().close();
});

it('Resources of another tenant are not there', async () => {
  const [owner, stranger] = [await signUpByHttp(stack), await signUpByHttp(stack)];
  const { resourceId } = await owner.api.resources.create({ identifier: CRM, scopes: ['read'] });
  const { agentId } = await owner.api.agents.register({ name: 'reader' });
  const own = await stranger.api.resources.create({ identifier: 'https://mine.example', scopes: ['read'] });
  const get = async (path: string) => {
    const response = await fetch(stack.dashboardUrl + path, { headers: { cookie: stranger.cookie } });
    return [response.status, (await response.text()).includes(CRM)];
  };
  expect(await get('/resources')).toEqual([200, false]);
  expect(await get(`/resources/${own.resourceId}`)).toEqual([200, false]);
  expect(await get(`/resources/${resourceId}`)).toEqual([404, false]);
  expect(await get(`/agents/${agentId}/grants`)).toEqual([404, false]);
});
