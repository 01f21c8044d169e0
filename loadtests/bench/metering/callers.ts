import { signUp } from '../sign-up.ts';

/** An agent that reads itself, and the member who owns it. */
export interface Caller {
  tenantId: string;
  agentId: string;
  token: string;
  cookie: string;
}

const TENANTS = 10;

const createCaller = async (baseUrl: string, index: number): Promise<Caller> => {
  const { api, cookie, tenantId } = await signUp(baseUrl, index);
  const { agentId } = await api.agents.register({ name: 'bench', scopes: ['agents:read'] });
  const { access_token: token } = await api.tokens.issue(await api.agents.createCredential(agentId));
  return { tenantId, agentId, token, cookie };
};

/** An agent and a member of each of several tenants. */
export const createCallers = async (baseUrl: string): Promise<Caller[]> => {
  const callers: Caller[] = [];
  // One after another, because hashing ten passwords at once exceeds the API's time limit.
  for (let index = 0; index < TENANTS; index++) callers.push(await createCaller(baseUrl, index));
  return callers;
};
