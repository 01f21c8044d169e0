import { z } from 'zod';
import { decommissionAgent } from '../../services/agents/decommission-agent.ts';
import { getAgent } from '../../services/agents/get-agent.ts';
import { listAgents } from '../../services/agents/list-agents.ts';
import { registerAgent } from '../../services/agents/register-agent.ts';
import { setAgentStatus } from '../../services/agents/set-agent-status.ts';
import { updateAgent } from '../../services/agents/update-agent.ts';
import type { AgentView } from '../../services/agents/agent-view.ts';
import { agentDetails, agentFilter, agentSchema, presentAgent } from '../agent-shapes.ts';
import { allowedRevisions, etagOf } from '../etag.ts';
import { pageQuery, pageSchema, presentPage } from '../paging.ts';
import { routesOf, type Answer } from '../route.ts';

const { scopedRoute } = routesOf('agents');

const params = z.strictObject({ agentId: z.string() });

const answer = (status: number, view: AgentView, headers: Record<string, string> = {}): Answer => ({
  status,
  body: presentAgent(view),
  headers: { ETag: etagOf(view.agent.revision), ...headers },
});

const register = scopedRoute({
  method: 'post',
  path: '/agents',
  operationId: 'registerAgent',
  summary: 'Register an agent; only its name is required',
  access: ['agents:write'],
  repeatable: 'answer',
  body: z.strictObject(agentDetails).partial().required({ name: true }),
  responses: { 201: { description: 'The registered agent', schema: agentSchema } },
  problems: ['agent_name_taken', 'free_tier_limit'],
  handle: async (deps, { body, origin }, principal) => {
    const view = await registerAgent(deps, principal, body, origin);
    return answer(201, view, { Location: `${deps.config.PUBLIC_URL}/agents/${view.agent.id}` });
  },
});

const list = scopedRoute({
  method: 'get',
  path: '/agents',
  operationId: 'listAgents',
  summary: 'List the tenant’s agents; newest first by default',
  access: ['agents:read'],
  query: z.strictObject({ ...pageQuery, ...agentFilter }),
  responses: { 200: { description: 'A page of agents', schema: pageSchema(agentSchema, 'AgentPage') } },
  handle: async (deps, { query }, { tenantId }) => ({
    status: 200,
    body: presentPage(await listAgents(deps, tenantId, query), presentAgent),
  }),
});

const get = scopedRoute({
  method: 'get',
  path: '/agents/:agentId',
  operationId: 'getAgent',
  summary: 'Get an agent; the response has its ETag',
  access: ['agents:read'],
  params,
  responses: { 200: { description: 'The agent', schema: agentSchema } },
  problems: ['not_found'],
  handle: async (deps, { params: { agentId } }, { tenantId }) =>
    answer(200, await getAgent(deps, tenantId, agentId)),
});

const update = scopedRoute({
  method: 'patch',
  path: '/agents/:agentId',
  operationId: 'updateAgent',
  summary: 'Update an agent; omitted fields do not change',
  access: ['agents:write'],
  params,
  requestHeaders: {
    'If-Match': 'The ETag that you read. If the agent has changed since, the response is 412.',
  },
  body: z
    .strictObject(agentDetails)
    .partial()
    .refine((body) => Object.keys(body).length > 0, 'must have at least one field to change')
    .meta({ minProperties: 1 }),
  responses: { 200: { description: 'The updated agent', schema: agentSchema } },
  problems: ['not_found', 'agent_name_taken', 'agent_decommissioned', 'precondition_failed'],
  handle: async (deps, { params: { agentId }, body, headers, origin }, principal) => {
    const { resourceGrants, ...changes } = body;
    const update = { agentId, changes, resourceGrants, revisions: allowedRevisions(headers) };
    return answer(200, await updateAgent(deps, principal, update, origin));
  },
});

const decommission = scopedRoute({
  method: 'delete',
  path: '/agents/:agentId',
  operationId: 'decommissionAgent',
  summary: 'Decommission an agent and revoke its credentials permanently; it stays readable',
  access: ['agents:write'],
  params,
  responses: { 204: { description: 'The agent is decommissioned', schema: null } },
  problems: ['not_found'],
  handle: async (deps, { params: { agentId }, origin }, principal) => {
    await decommissionAgent(deps, principal, agentId, origin);
    return { status: 204 };
  },
});

const suspend = scopedRoute({
  method: 'post',
  path: '/agents/:agentId/suspend',
  operationId: 'suspendAgent',
  summary: 'Suspend an agent until it is reactivated',
  access: ['agents:write'],
  params,
  responses: { 200: { description: 'The suspended agent', schema: agentSchema } },
  problems: ['not_found', 'agent_decommissioned'],
  handle: async (deps, { params: { agentId }, origin }, principal) =>
    answer(200, await setAgentStatus(deps, principal, { agentId, status: 'suspended' }, origin)),
});

const reactivate = scopedRoute({
  method: 'post',
  path: '/agents/:agentId/reactivate',
  operationId: 'reactivateAgent',
  summary: 'Reactivate a suspended agent',
  access: ['agents:write'],
  params,
  responses: { 200: { description: 'The active agent', schema: agentSchema } },
  problems: ['not_found', 'agent_decommissioned'],
  handle: async (deps, { params: { agentId }, origin }, principal) =>
    answer(200, await setAgentStatus(deps, principal, { agentId, status: 'active' }, origin)),
});

export const agentRoutes = [register, list, get, update, decommission, suspend, reactivate];
