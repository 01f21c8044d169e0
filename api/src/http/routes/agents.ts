import { z } from 'zod';
import type { Agent } from '../../models/agent.ts';
import { scopes } from '../../platform/principal.ts';
import { createCredential } from '../../services/agents/create-credential.ts';
import { getAgent } from '../../services/agents/get-agent.ts';
import { listAgents } from '../../services/agents/list-agents.ts';
import { registerAgent } from '../../services/agents/register-agent.ts';
import { scopedRoute } from '../route.ts';
import { line } from '../text.ts';

const tag = 'agents';

const scopeSchema = z.enum(scopes).meta({ id: 'Scope', description: 'What a token may do.' });

const agentSchema = z
  .object({
    agentId: z.string().meta({ description: 'Also the OAuth client id. It never changes.' }),
    name: z.string(),
    description: z.string().nullable(),
    status: z.enum(['active', 'suspended', 'decommissioned']),
    scopes: z.array(scopeSchema),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Agent' });

const present = ({ id, name, description, status, scopes: granted, createdAt, updatedAt }: Agent) => ({
  agentId: id,
  name,
  description,
  status,
  scopes: granted,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

const params = z.strictObject({ agentId: z.string() });

const register = scopedRoute({
  method: 'post',
  path: '/agents',
  operationId: 'registerAgent',
  summary: 'Register an agent; its name is enough',
  tag,
  access: ['agents:write'],
  body: z.strictObject({
    name: line(1, 128).meta({
      description: 'Unique in the tenant among agents that are not decommissioned.',
    }),
    description: line(0, 1024).optional(),
    scopes: z
      .array(scopeSchema)
      .min(1)
      .max(scopes.length)
      .optional()
      .meta({ description: 'Default: agents:read. Only scopes that the caller holds can be granted.' }),
  }),
  responses: { 201: { description: 'The agent, registered', schema: agentSchema } },
  problems: ['agent_name_taken', 'free_tier_limit'],
  handle: async (deps, { body, origin }, principal) => {
    const agent = await registerAgent(deps, principal, body, origin);
    return {
      status: 201,
      body: present(agent),
      headers: { Location: `${deps.config.PUBLIC_URL}/agents/${agent.id}` },
    };
  },
});

const list = scopedRoute({
  method: 'get',
  path: '/agents',
  operationId: 'listAgents',
  summary: 'List the tenant’s agents, newest first',
  tag,
  access: ['agents:read'],
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(100).default(20),
    cursor: z.string().max(128).optional().meta({ description: 'The `nextCursor` of the page before.' }),
  }),
  responses: {
    200: {
      description: 'A page of agents',
      schema: z
        .object({
          data: z.array(agentSchema),
          nextCursor: z.string().nullable().meta({ description: '`null` on the last page.' }),
        })
        .meta({ id: 'AgentPage' }),
    },
  },
  problems: [],
  handle: async ({ db }, { query }, { tenantId }) => {
    const { agents, nextCursor } = await listAgents(db, tenantId, query);
    return { status: 200, body: { data: agents.map(present), nextCursor } };
  },
});

const get = scopedRoute({
  method: 'get',
  path: '/agents/:agentId',
  operationId: 'getAgent',
  summary: 'Read one agent',
  tag,
  access: ['agents:read'],
  params,
  responses: { 200: { description: 'The agent', schema: agentSchema } },
  problems: ['not_found'],
  handle: async ({ db }, { params: { agentId } }, { tenantId }) => ({
    status: 200,
    body: present(await getAgent(db, tenantId, agentId)),
  }),
});

const addCredential = scopedRoute({
  method: 'post',
  path: '/agents/:agentId/credentials',
  operationId: 'createCredential',
  summary: 'Make a client secret, shown this once',
  tag: 'credentials',
  access: ['agents:write'],
  params,
  body: z.strictObject({}),
  responses: {
    201: {
      description: 'The credential with its secret',
      schema: z
        .object({
          credentialId: z.string(),
          clientId: z.string().meta({ description: 'The agent’s id.' }),
          clientSecret: z.string().meta({ description: 'Only its keyed hash is kept: store it now.' }),
          createdAt: z.iso.datetime(),
        })
        .meta({ id: 'NewCredential' }),
    },
  },
  problems: ['not_found'],
  handle: async (deps, { params: { agentId }, origin }, principal) => {
    const { credential, clientSecret } = await createCredential(deps, principal, agentId, origin);
    const { id: credentialId, createdAt } = credential;
    return {
      status: 201,
      body: { credentialId, clientId: agentId, clientSecret, createdAt: createdAt.toISOString() },
    };
  },
});

export const agentRoutes = [register, list, get, addCredential];
