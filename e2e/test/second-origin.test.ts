import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PATIENCE_MS, startBrowser, visit } from './support/browser.ts';
import { fillParameters, pages } from './support/pages.ts';
import { agentToken, signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

const ROUTES = new URL('../../dashboard/src/routes/', import.meta.url).pathname;
const MARKUP = '<img src=x onerror="window.ran = 1"><script>window.ran = 1</script>';

let stack: Stack;
let browser: Browser;
let person: SignedUp;
let member: BrowserContext;
let pathOf: (route: string) => string;
let other: Server;
let form = '';

beforeAll(async () => {
  other = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(form);
  }).listen(0);
  [stack, browser] = await Promise.all([startStack(), startBrowser()]);
  person = await signUpByHttp(stack);
  member = await browser.newContext();
  member.setDefaultTimeout(PATIENCE_MS);
  await person.enter(member);
  pathOf = await fillParameters(stack, person);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
  other.close();
});

/** Every form action of the dashboard, read from its folders. A new one joins by itself. */
const actions = globSync('**/+page.server.ts', { cwd: ROUTES }).flatMap((file) => {
  const list = /export const actions(?:: Actions)? = \{([^}]*)\}/.exec(
    readFileSync(ROUTES + file, 'utf8'),
  )?.[1];
  const route = `/${file.replace(/\/?\+page\.server\.ts$/, '')}`.replace(/\/\([^)]*\)/g, '') || '/';
  return [...(list ?? '').matchAll(/(\w+)(?::[^,]*)?(?:,|\s*$)/g)].map(
    ([, name]) => [route, name === 'default' ? '' : `?/${name}`] as const,
  );
});

/** What a mutation could have changed. */
const worth = () =>
  stack.sql(
    `select (select json_agg(a order by id) from agents a), (select json_agg(c order by id) from credentials c),
       (select json_agg(r order by id) from resources r), (select json_agg(u order by id) from users u),
       (select json_agg(t order by id) from tenants t), (select count(*) from sessions)`,
  );

it('finds the form actions', () => {
  expect(actions).toContainEqual(['/sign-in', '']);
  expect(actions).toContainEqual(['/billing', '?/upgrade']);
});

it.each(actions)('A foreign origin cannot mutate, by the form of %s%s', async (route, action) => {
  const url = `${stack.dashboardUrl}${pathOf(route)}${action}`;
  const before = await worth();
  for (const origin of [
    'http://evil.test',
    'null',
    `http://localhost:${(other.address() as AddressInfo).port}`,
  ]) {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: person.cookie, origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'name=evil&scopes=agents:write',
    });
    expect([origin, answer.status]).toEqual([origin, 403]);
  }
  expect(await worth()).toEqual(before);
});

it('A foreign origin cannot mutate, in a browser that sends the cookie along', async () => {
  const before = await worth();
  const page = await member.newPage();
  // Another port is another origin, but the same site, so the cookie is sent.
  const evil = `http://localhost:${(other.address() as AddressInfo).port}/`;
  const sent: (string | undefined)[] = [];
  page.on('request', async (request) => {
    if (request.method() === 'POST') sent.push((await request.allHeaders())['cookie']);
  });
  form = `<form method="POST" action="${stack.dashboardUrl}/onboarding?/register"><input name="name" value="evil"><input name="scopes" value="agents:read"><button>Win</button></form>`;
  await page.goto(evil);
  await page.getByRole('button', { name: 'Win' }).click();
  await page.getByText('another origin').waitFor();
  expect(sent).toEqual([expect.stringContaining(person.cookie)]);
  expect(await worth()).toEqual(before);
  await page.close();
});

const consolePages = pages.filter(({ isConsole }) => isConsole).map(({ route }) => route);

const openAll = async (look: (page: Page, route: string) => Promise<void>): Promise<void> => {
  const page = await member.newPage();
  const complaints: string[] = [];
  page.on('dialog', (dialog) => void dialog.dismiss().then(() => complaints.push(dialog.message())));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  for (const route of consolePages) {
    await visit(page, stack.dashboardUrl + pathOf(route));
    await look(page, route);
  }
  expect(complaints).toEqual([]);
  await page.close();
};

it('Stored markup is shown as text', async () => {
  await person.api.agents.register({ name: MARKUP, description: 'javascript:window.ran=1' });
  await stack.sql('update tenants set name = $2 where id = $1', [person.tenantId, MARKUP]);
  await openAll(async (page, route) => {
    expect([route, await page.evaluate('window.ran')]).toEqual([route, undefined]);
    expect([route, await page.locator('a[href^="javascript:"]').count()]).toEqual([route, 0]);
  });
  const page = await member.newPage();
  await visit(page, `${stack.dashboardUrl}/agents`);
  await page.getByRole('main').getByText(MARKUP).first().waitFor();
  await page.close();
});

it('The browser holds no API token', async () => {
  const token = await agentToken(stack, person);
  const { agentId } = await person.api.agents.register({ name: 'has a secret' });
  const { clientSecret } = await person.api.agents.createCredential(agentId);
  const isSecret = (text: string): boolean =>
    [token, clientSecret, person.cookie.split('=')[1]!].some((secret) => text.includes(secret));
  await openAll(async (page, route) => {
    expect([route, await page.evaluate('document.cookie')]).toEqual([route, '']);
    // SvelteKit keeps scroll positions in the session's storage.
    const held = await page.evaluate('JSON.stringify([localStorage, sessionStorage])');
    expect([route, isSecret(held as string)]).toEqual([route, false]);
    expect([route, isSecret(await page.content())]).toEqual([route, false]);
  });
  for (const file of globSync('**/*.js', { cwd: `${ROUTES}../../build/client` }))
    expect([file, isSecret(readFileSync(`${ROUTES}../../build/client/${file}`, 'utf8'))]).toEqual([
      file,
      false,
    ]);
});
