import { setTimeout as wait } from 'node:timers/promises';
import { pay, signUpTenants, startCheckout } from '../bench/billing/tenants.ts';
import type { SignedUp } from '../bench/sign-up.ts';
import type { Cast, Client } from './plan.ts';

const PAYING_TENANTS = 10;
const CLIENTS_EACH = 10;

type Scope = 'agents:read' | 'agents:write';
type Agent = Omit<Client, 'managerToken'>;

const createAgent = async ({ api }: SignedUp, name: string, scopes: Scope[]) => {
  const { agentId } = await api.agents.register({ name, scopes });
  const { credentialId, clientSecret } = await api.agents.createCredential(agentId);
  return { agentId, credentialId, clientSecret };
};

const issueToken = async (apiUrl: string, { agentId, clientSecret }: Agent): Promise<string> => {
  const form = { grant_type: 'client_credentials', client_id: agentId, client_secret: clientSecret };
  const response = await fetch(`${apiUrl}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  if (!response.ok) throw new Error(`POST /oauth2/token answered ${response.status}`);
  return ((await response.json()) as { access_token: string }).access_token;
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

const createClients = async (apiUrl: string, tenant: SignedUp): Promise<Client[]> => {
  await upgrade(tenant);
  const managerToken = await issueToken(
    apiUrl,
    await createAgent(tenant, 'manager', ['agents:read', 'agents:write']),
  );
  const clients: Client[] = [];
  for (let n = 1; n <= CLIENTS_EACH; n++) {
    clients.push({ ...(await createAgent(tenant, `client ${n}`, ['agents:read'])), managerToken });
  }
  return clients;
};

/** Signs up the tenants and makes their agents. */
export const createCast = async (apiUrl: string): Promise<Cast> => {
  const [free, ...paying] = await signUpTenants(apiUrl, 0, PAYING_TENANTS + 1);
  const perTenant = await Promise.all(paying.map((tenant) => createClients(apiUrl, tenant)));
  const reader = await createAgent(free!, 'reader', ['agents:read']);
  return {
    apiUrl,
    clients: Array.from({ length: CLIENTS_EACH }, (_, n) => perTenant.map((clients) => clients[n]!)).flat(),
    free: { agentId: reader.agentId, token: await issueToken(apiUrl, reader) },
  };
};
