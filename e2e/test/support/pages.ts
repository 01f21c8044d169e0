import { globSync } from 'node:fs';
import type { SignedUp } from './people.ts';
import type { Stack } from './stack.ts';

const ROUTES = new URL('../../../dashboard/src/routes/', import.meta.url).pathname;

export interface DashboardPage {
  /** As in the folder of routes, without its groups: `/agents/[agentId]`. */
  route: string;
  /** Whether it needs a session. */
  isConsole: boolean;
}

/** Every page of the dashboard, read from its folders. A new page joins by itself. */
export const pages: readonly DashboardPage[] = globSync('**/+page.svelte', { cwd: ROUTES })
  .map((file) => `/${file.replace(/\/?\+page\.svelte$/, '')}`)
  .map((folder) => ({
    route: folder.replace(/\/\([^)]*\)/g, '') || '/',
    isConsole: folder.startsWith('/(console)'),
  }))
  .sort((one, other) => one.route.localeCompare(other.route));

/** What the parameters of the routes stand for, made for this person. A route with another one throws. */
export const fillParameters = async (stack: Stack, { api, tenantId }: SignedUp) => {
  const { agentId } = await api.agents.register({
    name: 'invoice-reader',
    scopes: ['agents:read', 'billing:read'],
  });
  await api.agents.createCredential(agentId);
  const resource = { identifier: 'https://reports.example.com', scopes: ['reports:read'] };
  const { resourceId } = await api.resources.create(resource);
  const checkoutId = 'chk_01m8hzgqctf62a89mcqscdrec9';
  await stack.sql(
    `insert into checkouts (id, tenant_id, created_by, created_at) values ($1, $2, 'usr_0', now())`,
    [checkoutId, tenantId],
  );
  const values: Readonly<Record<string, string>> = { agentId, resourceId, checkoutId };
  return (route: string): string =>
    route.replace(/\[(\w+)\]/g, (_whole, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${route}: add ${name} to fillParameters`);
      return value;
    });
};
