import { createClient } from '@sentryagent/sdk';
import type { Page } from 'playwright-core';
import { visit } from '../support/browser.ts';
import type { SignedUp } from '../support/people.ts';
import { go, headed, newcomer, open, picture, press, pressInDialog } from './studio.ts';
import type { Studio } from './studio.ts';

const DAY_MS = 86_400_000;
const daysOn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString();

/** What an agent looks like after some weeks: credentials, a last token, scopes. */
const registerUsed = async ({ stack }: Studio, { api }: SignedUp, name: string) => {
  const { agentId } = await api.agents.register({
    name,
    scopes: ['agents:read', 'billing:read', 'audit:read'],
  });
  const { clientId, clientSecret } = await api.agents.createCredential(agentId, { name: 'production' });
  await createClient({ baseUrl: stack.apiUrl }).tokens.issue({ clientId, clientSecret });
  return agentId;
};

const registerSome = async (studio: Studio, person: SignedUp): Promise<string> => {
  const { api } = person;
  const agentId = await registerUsed(studio, person, 'invoice-reader');
  const staging = await api.agents.register({
    name: 'mail-reader',
    description: 'Sorts what customers write.',
    deploymentEnv: 'staging',
    scopes: ['agents:read', 'billing:read'],
  });
  await api.agents.createCredential(staging.agentId, { expiresAt: daysOn(6.5) });
  const paused = await api.agents.register({ name: 'nightly-report' });
  await api.agents.suspend(paused.agentId);
  const old = await api.agents.register({ name: 'crawler' });
  await api.agents.decommission(old.agentId);
  return agentId;
};

export const walkRegistering = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'registrar');
  const page = await open(studio, person, '/onboarding');
  await picture(studio, page, 'register', 'Registering an agent: only a name.');
  await page.getByText('More options').click();
  await picture(studio, page, 'register-options', 'The same with scopes, environment and expiry.');
  await press(page, 'Register agent');
  await page.locator('#name-problem').waitFor();
  await picture(studio, page, 'register-problem', 'Registering without a name.');
  await page.getByLabel('Name').fill('invoice-reader');
  await press(page, 'Register agent');
  await headed(page, 'invoice-reader is registered');
  await picture(studio, page, 'secret', 'The secret, shown once, with the first call in three languages.');
  await page.getByRole('main').getByText('TypeScript', { exact: true }).click();
  await page.getByLabel('I have stored it').check();
  await picture(studio, page, 'secret-stored', 'The secret is stored: “Continue” is enabled.');
  await go(studio, page, page.url());
  await picture(studio, page, 'secret-gone', 'The same page after a reload.');
  for (let i = 2; i <= 10; i++) await person.api.agents.register({ name: `agent-${i}` });
  await go(studio, page, '/onboarding');
  await picture(studio, page, 'register-limit', 'Registering at the limit of agents: two ways out.');
  await page.context().close();
};

/** More than a page has. */
const MANY = 50;

const openMenu = async (page: Page): Promise<void> => {
  await visit(page, page.url());
  await page
    .getByRole('button', { name: /^Actions for/ })
    .first()
    .click();
  await page.getByRole('menu').waitFor();
};

export const walkAgents = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'grace');
  const page = await open(studio, person, '/agents');
  await picture(studio, page, 'agents-empty', 'The list of agents of a new tenant.');
  await registerSome(studio, person);
  await go(studio, page, '/agents');
  await picture(
    studio,
    page,
    'agents-few',
    'Some agents: active, suspended, a credential that expires soon.',
  );
  await picture(studio, page, 'agents-menu', 'The menu of a row.', openMenu);
  await page.keyboard.press('Escape');
  await go(studio, page, '/agents?status=all');
  await picture(studio, page, 'agents-all', 'All statuses: decommissioned agents are shown too.');
  await go(studio, page, '/agents?q=nothing');
  await picture(studio, page, 'agents-nothing', 'Filters that no agent matches.');
  await studio.stack.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [
    person.tenantId,
  ]);
  for (let i = 1; i <= MANY; i++) await person.api.agents.register({ name: `worker-${i}` });
  await go(studio, page, '/agents');
  await picture(studio, page, 'agents-many', 'Many agents, page by page.');
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.waitForURL('**cursor=**');
  await picture(studio, page, 'agents-next-page', 'The next page of them.');
  await page.context().close();
};

const agentDialogs: readonly [string, string, string][] = [
  ['agent-suspend', '?dialog=suspend', 'Suspending asks first.'],
  ['agent-decommission', '?dialog=decommission', 'Decommissioning asks for the typed name.'],
  ['agent-new-secret', '/credentials?dialog=new-secret', 'One more secret.'],
  ['agent-new-key', '/credentials?dialog=new-key', 'A public key.'],
];

const agentTabs: readonly [string, string, string][] = [
  ['agent-overview', '', 'An agent.'],
  ['agent-edit', '/edit', 'Each field of an agent.'],
  ['agent-credentials', '/credentials', 'The credentials of an agent.'],
  ['agent-scopes', '/scopes', 'The scopes of an agent, with presets.'],
  ['agent-grants', '/grants', 'The scopes of the tenant’s own resources that the agent has.'],
];

export const walkAgent = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'joan');
  const { api } = person;
  const agentId = await registerSome(studio, person);
  await api.agents.createCredential(agentId, { name: 'laptop', expiresAt: daysOn(6.5) });
  const path = `/agents/${agentId}`;
  const page = await open(studio, person, `${path}/grants`);
  await picture(studio, page, 'agent-grants-empty', 'An agent’s resources, if the tenant has none.');
  await api.resources.create({
    identifier: 'https://crm.example.com',
    scopes: ['contacts:read', 'contacts:write'],
  });
  for (const [name, end, shows] of [...agentTabs, ...agentDialogs]) {
    await go(studio, page, path + end);
    await picture(studio, page, name, shows);
  }
  await go(studio, page, `${path}/credentials?dialog=new-key`);
  await pressInDialog(page, 'Add the key');
  await page.locator('#publicKey-problem').waitFor();
  await picture(studio, page, 'agent-new-key-problem', 'A public key that is missing.');
  await page.context().close();
};

/** What changes an agent, each with its answer. */
export const walkChanges = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'mary');
  const { api } = person;
  const agentId = await registerSome(studio, person);
  const path = `/agents/${agentId}`;
  const page = await open(studio, person, `${path}/edit`);
  await page.getByLabel('Version').fill('1');
  await page.getByLabel('Capabilities').fill('Invoices');
  await press(page, 'Save changes');
  await page.locator('#version-problem').waitFor();
  await picture(studio, page, 'agent-edit-problem', 'Wrong values are told at their fields.');
  await go(studio, page, `${path}/edit`);
  await page.getByLabel('Description').fill('Reads invoices.');
  await api.agents.update(agentId, { version: '2.0.0' });
  await press(page, 'Save changes');
  await page.getByRole('alert').waitFor();
  await picture(studio, page, 'agent-edit-conflict', 'Somebody else changed the agent in the meantime.');
  await press(page, 'Save changes');
  await page.getByText('The changes are saved.').waitFor();
  await picture(studio, page, 'agent-saved', 'The changes are saved.');
  await go(studio, page, `${path}/credentials`);
  await page
    .getByRole('link', { name: /^Revoke / })
    .first()
    .click();
  await page.getByRole('dialog').waitFor();
  await picture(studio, page, 'agent-revoke', 'Revoking asks first.');
  await page.keyboard.press('Escape');
  await page
    .getByRole('link', { name: /^Rotate / })
    .first()
    .click();
  await page.getByRole('dialog').waitFor();
  await picture(studio, page, 'agent-rotate', 'Rotating with a choice of overlap.');
  await pressInDialog(page, 'Rotate the secret');
  await headed(page, /has a new secret/);
  await picture(studio, page, 'secret-rotated', 'The new secret of a rotation.');
  await go(studio, page, `${path}/credentials`);
  await picture(studio, page, 'agent-overlap', 'Old and new secret both work until the overlap ends.');
  await go(studio, page, `${path}?dialog=suspend`);
  await pressInDialog(page, 'Suspend');
  await page.getByText('The agent is suspended.').waitFor();
  await picture(studio, page, 'agent-suspended', 'A suspended agent.');
  await walkEnds(studio, person, page, path);
  await page.context().close();
};

const walkEnds = async (studio: Studio, person: SignedUp, page: Page, path: string): Promise<void> => {
  await go(studio, page, `${path}?dialog=decommission`);
  await page.getByRole('dialog').getByLabel('Type the agent’s name').fill('invoice-writer');
  await pressInDialog(page, 'Decommission this agent');
  await page.getByRole('dialog').getByText('This is not the agent’s name.').waitFor();
  await picture(studio, page, 'agent-decommission-problem', 'The wrong name was typed.');
  await studio.stack.sql(`update members set role = 'member' where tenant_id = $1`, [person.tenantId]);
  await go(studio, page, `${path}/credentials`);
  await picture(studio, page, 'agent-member', 'What a member sees, who may not change agents.');
  await studio.stack.sql(`update members set role = 'owner' where tenant_id = $1`, [person.tenantId]);
  await person.api.agents.decommission(path.slice('/agents/'.length));
  await go(studio, page, path);
  await picture(studio, page, 'agent-decommissioned', 'A decommissioned agent.');
  await go(studio, page, `${path}/credentials`);
  await picture(studio, page, 'agent-decommissioned-credentials', 'Its credentials, all revoked.');
  await go(studio, page, '/agents/agt_00000000000000000000000000');
  await picture(studio, page, 'console-not-found', 'An agent that does not exist.');
};

export const walkResources = async (studio: Studio): Promise<void> => {
  const person = await newcomer(studio, 'edsger');
  const page = await open(studio, person, '/resources');
  await picture(studio, page, 'resources-empty', 'Resources of a new tenant.');
  await go(studio, page, '/resources/new');
  await picture(studio, page, 'resource-new', 'A new resource.');
  await page.getByLabel('Identifier').fill('/crm');
  await page.getByLabel('Scopes').fill('a "b"');
  await press(page, 'Add resource');
  await page.locator('#identifier-problem').waitFor();
  await picture(studio, page, 'resource-new-problem', 'Wrong values are told at their fields.');
  const { api } = person;
  const { agentId } = await api.agents.register({ name: 'crm-sync' });
  await api.agents.register({ name: 'invoice-reader' });
  const crm = await api.resources.create({
    identifier: 'https://crm.example.com',
    scopes: ['contacts:read', 'contacts:write'],
  });
  await api.resources.create({ identifier: 'https://reports.example.com', scopes: ['reports:read'] });
  await go(studio, page, `/resources/${crm.resourceId}`);
  await picture(studio, page, 'resource-unused', 'A resource that no agent may use yet.');
  await api.agents.update(agentId, {
    resourceGrants: [{ resource: 'https://crm.example.com', scopes: ['contacts:read'] }],
  });
  for (const [name, path, shows] of [
    ['resources-list', '', 'The resources of a tenant.'],
    ['resource', `/${crm.resourceId}`, 'A resource: its agents and what its tokens look like.'],
    ['resource-grant', `/${crm.resourceId}?dialog=grant`, 'Granting its scopes to an agent.'],
    ['resource-remove', `/${crm.resourceId}?dialog=remove`, 'Removing it says who loses access.'],
  ] as const) {
    await go(studio, page, `/resources${path}`);
    await picture(studio, page, name, shows);
  }
  await page.context().close();
};
