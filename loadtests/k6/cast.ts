import { setTimeout as wait } from 'node:timers/promises';
import { pay, signUpTenants, startCheckout } from '../bench/billing/tenants.ts';
import type { SignedUp } from '../bench/sign-up.ts';
import type { Cast, Client } from './plan.ts';

const PAYING_TENANTS = 10;
const CLIENTS_EACH = 10;

type Scope = 'agents:read' | 'agents:write';

const createAgent = async ({ api }: SignedUp, name: string, scopes: Scope[]) => {
  const { agentId } = await api.agents.register({ name, scopes });
  const { credentialId, clientId, clientSecret } = await api.agents.createCredential(agentId);
  return { agentId, credentialId, clientId, clientSecret };
};

/** The token of a new agent with these scopes, and its id. */
const createCaller = async (tenant: SignedUp, name: string, scopes: Scope[]) => {
  const { agentId, ...client } = await createAgent(tenant, name, scopes);
  return { agentId, token: (await tenant.api.tokens.issue(client)).access_token };
};

/** Pays at the stand-in for Stripe, and waits for the Paid tier. */
const upgrade = async (tenant: SignedUp): Promise<void> => {
  await pay((await startCheckout(tenant)).url);
  for (let tries = 0; tries < 300; tries++) {
    if ((await tenant.api.billing.subscription()).tier === 'paid') return;
    await wait(200);
  }
  throw new Error('A tenant has paid and was not Paid after a minute.');
};

const createClients = async (tenant: SignedUp): Promise<Client[]> => {
  await upgrade(tenant);
  const { token: managerToken } = await createCaller(tenant, 'manager', ['agents:read', 'agents:write']);
  const clients: Client[] = [];
  for (let n = 1; n <= CLIENTS_EACH; n++) {
    clients.push({ ...(await createAgent(tenant, `client ${n}`, ['agents:read'])), managerToken });
  }
  return clients;
};

/** Signs up the tenants and makes their agents. */
export const createCast = async (apiUrl: string): Promise<Cast> => {
  const [free, ...paying] = await signUpTenants(apiUrl, 0, PAYING_TENANTS + 1);
  const perTenant = await Promise.all(paying.map(createClients));
  return {
    apiUrl,
    clients: Array.from({ length: CLIENTS_EACH }, (_, n) => perTenant.map((clients) => clients[n]!)).flat(),
    free: await createCaller(free!, 'reader', ['agents:read']),
  };
};
