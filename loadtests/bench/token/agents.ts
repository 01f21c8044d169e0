import { randomBytes } from 'node:crypto';
import { createClient, type Client as Api } from '@sentryagent/sdk';
import { cookiesOf } from '../../../dev/src/cookies.ts';
import { SCOPE, type Client } from './settings.ts';

const TENANTS = 10;
/** Within the free tier. */
const AGENTS_EACH = 5;

/** Signs up a user from a separate address, because sign-ups are limited by address. */
const signUp = async (baseUrl: string, dashboardUrl: string, index: number): Promise<Api> => {
  const headers = { origin: dashboardUrl, 'x-forwarded-for': `10.0.0.${index + 1}` };
  let cookie = '';
  const onResponse = (response: Response): void => {
    cookie = cookiesOf(response);
  };
  const password = randomBytes(12).toString('base64url');
  const person = { email: `bench-${index}@example.com`, password, name: 'Bench' };
  await createClient({ baseUrl, headers, onResponse }).auth.signUp(person);
  return createClient({ baseUrl, headers: { ...headers, cookie } });
};

const createTenant = async (baseUrl: string, dashboardUrl: string, index: number): Promise<Client[]> => {
  const api = await signUp(baseUrl, dashboardUrl, index);
  const { tenant } = await api.auth.session();
  const clients: Client[] = [];
  for (let n = 1; n <= AGENTS_EACH; n++) {
    const { agentId } = await api.agents.register({ name: `bench ${n}`, scopes: [SCOPE] });
    const { clientId, clientSecret } = await api.agents.createCredential(agentId);
    clients.push({ tenantId: tenant.id, clientId, clientSecret });
  }
  return clients;
};

/** Agents of several tenants. Neighbors in the list belong to different tenants. */
export const createAgents = async (baseUrl: string, dashboardUrl: string): Promise<Client[]> => {
  const tenants: Client[][] = [];
  // One after another, because hashing ten passwords at once exceeds the API's time limit.
  for (let index = 0; index < TENANTS; index++) {
    tenants.push(await createTenant(baseUrl, dashboardUrl, index));
  }
  return Array.from({ length: AGENTS_EACH }, (_, n) => tenants.map((clients) => clients[n]!)).flat();
};
