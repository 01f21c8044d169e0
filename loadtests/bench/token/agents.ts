import { signUp } from '../sign-up.ts';
import { SCOPE, type Client } from './settings.ts';

const TENANTS = 10;
/** Within the free tier. */
const AGENTS_EACH = 5;

const createTenant = async (baseUrl: string, index: number): Promise<Client[]> => {
  const { api, tenantId } = await signUp(baseUrl, index);
  const clients: Client[] = [];
  for (let n = 1; n <= AGENTS_EACH; n++) {
    const { agentId } = await api.agents.register({ name: `bench ${n}`, scopes: [SCOPE] });
    const { clientId, clientSecret } = await api.agents.createCredential(agentId);
    clients.push({ tenantId, clientId, clientSecret });
  }
  return clients;
};

/** Agents of several tenants. Neighbors in the list belong to different tenants. */
export const createAgents = async (baseUrl: string): Promise<Client[]> => {
  const tenants: Client[][] = [];
  // One after another, because hashing ten passwords at once exceeds the API's time limit.
  for (let index = 0; index < TENANTS; index++) {
    tenants.push(await createTenant(baseUrl, index));
  }
  return Array.from({ length: AGENTS_EACH }, (_, n) => tenants.map((clients) => clients[n]!)).flat();
};
