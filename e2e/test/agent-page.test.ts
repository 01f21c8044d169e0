import { generateKeyPairSync } from 'node:crypto';
import { createClient } from '@sentryagent/sdk';
import type { ApiError, NewCredential, Scope } from '@sentryagent/sdk';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { languages, makeFirstCallWithFile, shownSecret } from './support/first-call.ts';
import { expectFit, shoot } from './support/fit.ts';
import { tabTo } from './support/keyboard.ts';
import { newPageAs, signUpByHttp } from './support/people.ts';
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

interface Fixture {
  person: SignedUp;
  agentId: string;
  secret: NewCredential;
}

const withAgent = async (scopes: Scope[] = ['agents:read'], name = 'invoice-reader'): Promise<Fixture> => {
  const person = await signUpByHttp(stack);
  const { agentId } = await person.api.agents.register({ name, scopes });
  return {
    person,
    agentId,
    secret: await person.api.agents.createCredential(agentId, { name: 'production' }),
  };
};

const open = async (
  { person, agentId }: Pick<Fixture, 'person' | 'agentId'>,
  path = '',
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const page = await newPageAs(browser, person, options);
  await visit(page, `${stack.dashboardUrl}/agents/${agentId}${path}`);
  return page;
};

const issue = (clientId: string, clientSecret: string) =>
  createClient({ baseUrl: stack.apiUrl }).tokens.issue({ clientId, clientSecret });

/** Which of the secrets get a token. */
const working = (agentId: string, ...secrets: string[]): Promise<boolean[]> =>
  Promise.all(
    secrets.map((secret) =>
      issue(agentId, secret).then(
        () => true,
        () => false,
      ),
    ),
  );

const press = (page: Page | Locator, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();
const follow = (page: Page, name: string): Promise<void> =>
  page.getByRole('main').getByRole('link', { name }).first().click();
const mainText = async (page: Page): Promise<string> =>
  (await page.getByRole('main').innerText()).replaceAll(/\s+/g, ' ');
const says = (page: Page, words: string | RegExp): Promise<void> =>
  page.getByRole('main').getByText(words).first().waitFor();
const newSecret = async (page: Page): Promise<string> => {
  await page.getByRole('heading', { level: 1, name: 'has a new secret' }).waitFor();
  return shownSecret(page);
};

/** What can be sent from the page. The notice about the user's own email address is beside it. */
const enabledControls = (page: Page): Locator =>
  page
    .getByRole('main')
    .locator('form:not(aside form) :is(button:enabled, input:enabled:not([type=hidden]))');

describe.each([true, false])('the secrets of an agent, JavaScript: %s', (javaScriptEnabled) => {
  it('A lost secret is replaced in one click; A reload of the secret page offers a new secret; A user goes on after saying that the secret is stored', async () => {
    const fixture = await withAgent();
    const { agentId, secret } = fixture;
    const page = await open(fixture, '/credentials', { javaScriptEnabled });
    await press(page, 'Replace a lost secret');
    const second = await newSecret(page);
    expect(await working(agentId, secret.clientSecret, second)).toEqual([false, true]);

    if (javaScriptEnabled)
      expect(await page.getByRole('button', { name: 'Continue' }).isDisabled()).toBe(true);
    else await press(page, 'Continue');
    expect(await shownSecret(page)).toBe(second);

    await visit(page, page.url());
    await says(page, 'The secret was shown once');
    expect(await page.content()).not.toContain(second);
    await press(page, 'Replace a lost secret');
    const third = await newSecret(page);
    expect(await working(agentId, second, third)).toEqual([false, true]);
    await page.getByLabel('I have stored it').check();
    await press(page, 'Continue');
    await page.waitForURL(/\/credentials\??$/);
    expect((await fixture.person.api.credentials.list(agentId)).data.length).toBe(1);
    await page.context().close();
  });
});

it.each([true, false])('An owner caps an agent on its page, JavaScript: %s', async (javaScriptEnabled) => {
  const fixture = await withAgent();
  const page = await open(fixture, '', { javaScriptEnabled });
  await says(page, 'This agent has no cap.');
  const save = async (max: string): Promise<void> => {
    await page.getByRole('link', { name: /the cap|Set a cap/ }).click();
    await page.getByLabel('API calls per UTC day').fill(max);
    await press(page, 'Save the cap');
  };
  await save('many');
  await page.getByRole('alert').getByText('must be').waitFor();
  if (javaScriptEnabled) await expectFit(page, 'agent-cap-dialog');
  await page.getByLabel('API calls per UTC day').fill('1,250');
  await page.getByLabel('When it is reached').selectOption('report');
  await press(page, 'Save the cap');
  await says(page, 'The change of the cap is saved.');
  await says(page, '1,250 API calls per UTC day.');
  if (javaScriptEnabled) await expectFit(page, 'agent-cap');
  expect((await fixture.person.api.agents.get(fixture.agentId)).callCap).toEqual({
    max: 1_250,
    mode: 'report',
  });
  await save('');
  await says(page, 'This agent has no cap.');
  await page.context().close();
});

describe('the secrets of an agent', () => {
  it('A form that is sent twice creates one secret', async () => {
    const fixture = await withAgent();
    const page = await open(fixture, '/credentials', { javaScriptEnabled: false });
    await press(page, 'Replace a lost secret');
    const first = await newSecret(page);
    await page.reload();
    expect(await newSecret(page)).toBe(first);
    await says(page, 'This form was sent twice.');
    expect(await working(fixture.agentId, first)).toEqual([true]);
    expect((await fixture.person.api.credentials.list(fixture.agentId)).data.length).toBe(1);
    await page.context().close();
  });

  it('The downloaded file runs the code as printed', async () => {
    const fixture = await withAgent();
    const page = await open(fixture, '/credentials?dialog=new-secret', { javaScriptEnabled: false });
    await page.getByLabel('Name').fill('laptop');
    await page.getByLabel('Expires').selectOption({ index: 2 });
    await press(page, 'Create the secret');
    const secret = await newSecret(page);
    for (const language of languages) {
      expect(await makeFirstCallWithFile(page, language)).toMatchObject({
        data: [{ agentId: fixture.agentId }],
      });
      const code = page.getByRole('group', { name: `${language} code` }).locator('code');
      expect(await code.innerText()).not.toContain(secret);
    }
    const [{ name, expiresAt } = {}] = (await fixture.person.api.credentials.list(fixture.agentId)).data;
    expect([name, expiresAt === null]).toEqual(['laptop', false]);
    await page.context().close();
  });

  it('A secret is rotated with an overlap by keyboard alone; The old secret of a rotation is ended early', async () => {
    const fixture = await withAgent();
    const { agentId, secret } = fixture;
    const page = await open(fixture, '/credentials');
    await tabTo(page, page.getByRole('link', { name: 'Rotate production' }));
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Rotate production' });
    await dialog.waitFor();
    await expectFit(page, 'rotate');
    await tabTo(page, dialog.getByRole('radio', { name: '24 hours' }));
    await page.keyboard.press('ArrowUp');
    expect(await dialog.getByRole('radio', { name: '1 hour' }).isChecked()).toBe(true);
    await tabTo(page, dialog.getByRole('button', { name: 'Rotate the secret' }));
    const before = Date.now();
    await page.keyboard.press('Enter');
    const second = await newSecret(page);
    expect(await working(agentId, secret.clientSecret, second)).toEqual([true, true]);
    const [{ overlapUntil } = {}] = (await fixture.person.api.credentials.list(agentId)).data;
    const overlapMs = Date.parse(overlapUntil ?? '') - before;
    expect(overlapMs).toBeGreaterThanOrEqual(3_600_000);
    expect(overlapMs).toBeLessThan(3_600_000 + PATIENCE_MS);
    await tabTo(page, page.getByLabel('I have stored it'));
    await page.keyboard.press('Space');
    await tabTo(page, page.getByRole('button', { name: 'Continue' }));
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/credentials$/);
    await says(page, /The old secret works until .*\d\d:\d\d UTC\./);
    await expectFit(page, 'credentials');
    await tabTo(page, page.getByRole('button', { name: 'End now' }));
    await page.keyboard.press('Enter');
    await says(page, 'The old secret no longer works. Only the new one does.');
    expect(await working(agentId, secret.clientSecret, second)).toEqual([false, true]);
    await page.context().close();
  });

  it('A dialog starts at its first field', async () => {
    const fixture = await withAgent();
    const page = await open(fixture, '/credentials');
    for (const [link, field] of [
      ['New secret', 'Name'],
      ['Add public key', 'Public key'],
      ['Decommission', 'Type the agent’s name'],
    ] as const) {
      await page.getByRole('link', { name: link }).press('Enter');
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      await page.keyboard.type('typed');
      expect([link, await dialog.getByLabel(field).inputValue()]).toEqual([link, 'typed']);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
    }
    await page.context().close();
  });

  it('A credential is revoked from its list', async () => {
    const fixture = await withAgent();
    const { agentId, person, secret } = fixture;
    const other = await person.api.agents.createCredential(agentId, { name: 'laptop' });
    const page = await open(fixture, '/credentials', { javaScriptEnabled: false });
    await follow(page, 'Revoke laptop');
    await press(page.getByRole('dialog'), 'Revoke');
    await says(page, 'The credential is revoked.');
    expect(await working(agentId, other.clientSecret, secret.clientSecret)).toEqual([false, true]);
    await page.getByText('Revoked and expired (1)').click();
    expect(await mainText(page)).toMatch(/laptop .*Revoked [A-Z][a-z]{2} \d/);
    await page.context().close();
  });

  it('A public key is added as PEM or JWK', async () => {
    const fixture = await withAgent();
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secretPem = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const page = await open(fixture, '/credentials?dialog=new-key', { javaScriptEnabled: false });
    const dialog = page.getByRole('dialog', { name: 'Add public key' });
    await dialog.getByLabel('Name').fill('ci');
    await dialog.getByLabel('Public key').fill(secretPem);
    await press(dialog, 'Add the key');
    await dialog.getByText('This is a private key.').waitFor();
    expect(await page.content()).not.toContain(secretPem.split('\n')[1]);
    expect(await dialog.getByLabel('Name').inputValue()).toBe('ci');
    await dialog
      .getByLabel('Public key')
      .fill(pair.publicKey.export({ format: 'pem', type: 'spki' }).toString());
    await press(dialog, 'Add the key');
    await says(page, 'The public key is added.');
    const [{ thumbprint, name } = {}] = (await fixture.person.api.credentials.list(fixture.agentId)).data;
    expect(name).toBe('ci');
    await says(page, thumbprint!);
    await page.context().close();
  });
});

describe.each([true, false])('the agent itself, JavaScript: %s', (javaScriptEnabled) => {
  it('Two editors do not overwrite each other', async () => {
    const fixture = await withAgent();
    const { person, agentId } = fixture;
    const first = await open(fixture, '/edit', { javaScriptEnabled });
    const second = await open(fixture, '/edit', { javaScriptEnabled });
    await second.getByLabel('Version').fill('2.0.0');
    await press(second, 'Save changes');
    await says(second, 'The changes are saved.');
    await first.getByLabel('Description').fill('Reads invoices.');
    await press(first, 'Save changes');
    const alert = first.getByRole('alert');
    await alert.getByText('your changes are not saved yet').waitFor();
    expect((await alert.innerText()).replaceAll(/\s+/g, ' ')).toContain('Description empty Version 2.0.0');
    expect(await person.api.agents.get(agentId)).toMatchObject({ description: null, version: '2.0.0' });
    if (javaScriptEnabled) await shoot(first, 'outdated');
    await press(first, 'Save changes');
    await says(first, 'The changes are saved.');
    expect(await person.api.agents.get(agentId)).toMatchObject({
      description: 'Reads invoices.',
      version: '1.0.0',
    });
    await Promise.all([first.context().close(), second.context().close()]);
  });

  it('A narrowed scope is missing from the next token', async () => {
    const fixture = await withAgent(['agents:read', 'agents:write', 'audit:read']);
    const { agentId, secret } = fixture;
    const before = await issue(agentId, secret.clientSecret);
    const page = await open(fixture, '/scopes', { javaScriptEnabled });
    await follow(page, 'Read only');
    // The link has been followed when the box is ticked.
    const billing = page.getByRole('checkbox', { name: 'billing:read' });
    await expect.poll(() => billing.isChecked()).toBe(true);
    await billing.uncheck();
    await press(page, 'Save scopes');
    await says(page, 'The scopes are saved.');
    // A request just after a scope was taken may be told to send it again.
    const issued: Awaited<ReturnType<typeof issue>>[] = [];
    const tryAgain = () =>
      issue(agentId, secret.clientSecret).then(
        (token) => issued.push(token),
        (error: ApiError) => error.code,
      );
    await expect.poll(tryAgain).toBe(1);
    const after = issued[0]!;
    expect(after.scope.split(' ').sort()).toEqual(['agents:read', 'audit:read', 'tokens:read']);
    const list = ({ access_token }: { access_token: string }) =>
      fetch(`${stack.apiUrl}/agents`, { headers: { authorization: `Bearer ${access_token}` } });
    await expect.poll(async () => (await list(before)).status).toBe(401);
    expect((await list(after)).status).toBe(200);
    if (javaScriptEnabled) await expectFit(page, 'scopes');
    await page.context().close();
  });

  it('A suspended agent is reactivated; Decommissioning asks for the typed name', async () => {
    const fixture = await withAgent();
    const { person, agentId, secret } = fixture;
    const statusOf = async () => (await person.api.agents.get(agentId)).status;
    const page = await open(fixture, '', { javaScriptEnabled });
    await follow(page, 'Suspend');
    await press(page.getByRole('dialog'), 'Suspend');
    await says(page, 'The agent is suspended.');
    expect([await statusOf(), ...(await working(agentId, secret.clientSecret))]).toEqual([
      'suspended',
      false,
    ]);
    if (javaScriptEnabled) await shoot(page, 'suspended');
    await follow(page, 'Reactivate');
    await press(page.getByRole('dialog'), 'Reactivate');
    await says(page, 'The agent is active again.');
    expect([await statusOf(), ...(await working(agentId, secret.clientSecret))]).toEqual(['active', true]);

    await follow(page, 'Decommission');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Type the agent’s name').fill('invoice-writer');
    await press(dialog, 'Decommission this agent');
    await dialog.getByText('This is not the agent’s name.').waitFor();
    expect(await statusOf()).toBe('active');
    if (javaScriptEnabled) await expectFit(page, 'decommission');
    await dialog.getByLabel('Type the agent’s name').fill('invoice-reader');
    await press(dialog, 'Decommission this agent');
    await says(page, 'This agent was decommissioned on');
    expect([await statusOf(), ...(await working(agentId, secret.clientSecret))]).toEqual([
      'decommissioned',
      false,
    ]);
    await page.context().close();
  });
});

describe('the agent itself', () => {
  it('Every field of an agent is edited', async () => {
    const fixture = await withAgent();
    const page = await open(fixture);
    await follow(page, 'Edit');
    await page.getByLabel('Name').fill('invoice-writer');
    await page.getByLabel('Description').fill('Writes invoices.');
    await page.getByLabel('Type').selectOption('extractor');
    await page.getByLabel('Environment').selectOption('staging');
    await page.getByLabel('Version').fill('1');
    await page.getByLabel('Team').fill('Billing');
    await page.getByRole('textbox', { name: 'Email' }).fill('billing@example.com');
    await page.getByLabel('Capabilities').fill('invoices:read\nInvoices');
    await page.getByLabel('Public').check();
    await press(page, 'Save changes');
    for (const field of ['version', 'capabilities']) await page.locator(`#${field}-problem`).waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('invoice-writer');
    await expectFit(page, 'edit');
    await page.getByLabel('Version').fill('1.2.0');
    await page.getByLabel('Capabilities').fill('invoices:read, invoices:write');
    await press(page, 'Save changes');
    await says(page, 'The changes are saved.');
    expect(await fixture.person.api.agents.get(fixture.agentId)).toMatchObject({
      name: 'invoice-writer',
      description: 'Writes invoices.',
      agentType: 'extractor',
      deploymentEnv: 'staging',
      version: '1.2.0',
      ownerTeam: 'Billing',
      email: 'billing@example.com',
      capabilities: ['invoices:read', 'invoices:write'],
      isPublic: true,
    });
    await expectFit(page, 'overview');
    await page.context().close();
  });

  it('A decommissioned agent is only read', async () => {
    const fixture = await withAgent();
    await fixture.person.api.agents.decommission(fixture.agentId);
    const page = await open(fixture);
    for (const path of ['', '/edit', '/credentials', '/scopes', '/secret']) {
      await visit(page, `${stack.dashboardUrl}/agents/${fixture.agentId}${path}`);
      expect(await mainText(page)).toMatch(/This agent was decommissioned on [A-Z][a-z]{2} \d/);
      expect([path, await enabledControls(page).count()]).toEqual([path, 0]);
    }
    await visit(page, `${stack.dashboardUrl}/agents/${fixture.agentId}/credentials`);
    await shoot(page, 'decommissioned');
    await page.context().close();
  });

  it('A member sees who can change an agent', async () => {
    const fixture = await withAgent();
    const { person, agentId } = fixture;
    const form = await open(fixture, '/edit');
    const lost = await open(fixture, '/credentials', { javaScriptEnabled: false });
    await stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
    await form.getByLabel('Name').fill('not mine');
    await press(form, 'Save changes');
    await says(form, 'Only an owner or admin of your tenant');
    await press(lost, 'Replace a lost secret');
    await says(lost, 'Only an owner or admin of your tenant');
    for (const path of ['', '/edit', '/credentials', '/scopes', '/secret']) {
      await visit(form, `${stack.dashboardUrl}/agents/${agentId}${path}`);
      await says(form, 'Ask an owner or admin of your tenant to change it.');
      for (const name of ['Edit', 'Suspend', 'Decommission'])
        expect(await form.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
      expect([path, await enabledControls(form).count()]).toEqual([path, 0]);
    }
    await visit(form, `${stack.dashboardUrl}/agents/${agentId}/credentials`);
    expect(await form.getByRole('button', { name: 'Replace a lost secret' }).isDisabled()).toBe(true);
    await expectFit(form, 'member');
    expect(await person.api.agents.get(agentId)).toMatchObject({ name: 'invoice-reader', status: 'active' });
    expect(await working(agentId, fixture.secret.clientSecret)).toEqual([true]);
    await Promise.all([form.context().close(), lost.context().close()]);
  });

  it('The agent page of another tenant is not found', async () => {
    const { person, agentId, secret } = await withAgent();
    const stranger = await signUpByHttp(stack);
    const send = (path: string, init: RequestInit = {}) =>
      fetch(`${stack.dashboardUrl}/agents/${path}`, {
        ...init,
        headers: { accept: 'text/html', origin: stack.dashboardUrl, cookie: stranger.cookie },
      });
    const forms: [string, Record<string, string>][] = [
      ...['', '/edit', '/credentials', '/scopes', '/secret'].map((path): [string, Record<string, string>] => [
        path,
        {},
      ]),
      ['?/suspend', { any: '' }],
      ['?/reactivate', { any: '' }],
      ['?/decommission', { typedName: 'invoice-reader' }],
      ['/edit', { name: 'mine', etag: '"1"' }],
      ['/scopes', { scopes: 'agents:read', etag: '"1"' }],
      ['/credentials?/revoke', { credentialId: secret.credentialId }],
      ['/credentials?/endOverlap', { credentialId: secret.credentialId }],
      [
        '/credentials?/addKey',
        { publicKey: JSON.stringify(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })) },
      ],
      ['/secret?/create', { name: 'x' }],
      ['/secret?/rotate', { credentialId: secret.credentialId, overlapSeconds: '0' }],
      ['/secret/env', { clientSecret: secret.clientSecret }],
    ];
    for (const [path, fields] of forms) {
      for (const id of [agentId, 'agt_00000000000000000000000000']) {
        const isForm = Object.keys(fields).length > 0;
        const answer = await send(
          id + path,
          isForm ? { method: 'POST', body: new URLSearchParams(fields) } : {},
        );
        const text = await answer.text();
        expect([path, id, answer.status, text.includes('invoice-reader')]).toEqual([path, id, 404, false]);
      }
    }
    expect(await person.api.agents.get(agentId)).toMatchObject({ name: 'invoice-reader', status: 'active' });
    expect(await working(agentId, secret.clientSecret)).toEqual([true]);
    expect((await person.api.credentials.list(agentId)).data.length).toBe(1);
  });
});
