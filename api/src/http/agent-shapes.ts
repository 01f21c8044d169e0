import { z } from 'zod';
import { agentStatuses, agentTypes, capModes, deploymentEnvs } from '../models/agent.ts';
import { isId } from '../platform/ids.ts';
import { scopes } from '../platform/principal.ts';
import { email } from './email.ts';
import type { AgentView } from '../services/agents/agent-view.ts';
import { agentSorts } from '../services/agents/agent-order.ts';
import { namedGrants } from '../services/resource-grants/resource-grants.ts';
import { resourceGrants } from './resource-shapes.ts';
import { line } from './text.ts';

/** https://semver.org, version 2.0.0. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*)?(\+[\dA-Za-z-]+(\.[\dA-Za-z-]+)*)?$/;

const scopeSchema = z.enum(scopes).meta({ id: 'Scope', description: 'What a token may do.' });
const agentType = z.enum(agentTypes);
const deploymentEnv = z.enum(deploymentEnvs);
const status = z.enum(agentStatuses);
const capability = z
  .string()
  .max(64, { abort: true })
  .regex(/^[a-z0-9][a-z0-9_-]*:[a-z0-9*][a-z0-9_*-]*$/, 'must be resource:action, in lower case');
const memberId = z
  .string()
  .max(64, { abort: true })
  .refine((text) => isId('usr', text), 'must be the user id of a member');

export const callCap = z
  .strictObject({
    max: z.int().min(1).max(1_000_000_000).meta({ description: 'API calls per UTC day.' }),
    mode: z.enum(capModes).meta({
      description: '`enforce`: further calls get 429 `agent_limit`. `report`: nothing is refused.',
    }),
  })
  .meta({ id: 'CallCap' });

/** What a caller may say of an agent. */
export const agentDetails = {
  name: line(1, 128).meta({
    description: 'Unique in the tenant among agents that are not decommissioned.',
  }),
  description: line(0, 1024).nullable(),
  email: email.nullable(),
  agentType,
  version: z.string().max(64, { abort: true }).regex(SEMVER, 'must be a version such as 1.0.0'),
  capabilities: z
    .array(capability)
    .max(32)
    .meta({ description: '`resource:action`. They describe the agent and grant nothing.' }),
  owner: memberId.meta({ description: 'The user id of the member who is responsible for the agent.' }),
  ownerTeam: line(1, 128).nullable().meta({ description: 'The team that the owner represents.' }),
  deploymentEnv,
  isPublic: z.boolean().meta({ description: 'Whether the public can see the agent.' }),
  scopes: z
    .array(scopeSchema)
    .min(1)
    .max(scopes.length)
    .meta({ description: 'Only scopes that the caller holds can be granted.' }),
  resourceGrants,
  callCap: callCap.nullable().meta({
    description: 'A daily limit for this agent alone. Only owners and admins can set it. `null`: none.',
  }),
};

/** A parameter that is sent once is a text, and a list if it is repeated. */
const toList = (value: unknown): unknown => (typeof value === 'string' ? [value] : value);

/** By which agents are listed. */
export const agentFilter = {
  status: z
    .preprocess(toList, z.array(status).min(1).max(agentStatuses.length))
    .optional()
    .meta({ description: 'Repeat it to get agents of several statuses. Default: all.' }),
  agentType: agentType.optional(),
  deploymentEnv: deploymentEnv.optional(),
  owner: memberId.optional(),
  capability: capability.optional(),
  resourceId: z
    .string()
    .max(64, { abort: true })
    .refine((text) => isId('res', text), 'must be the id of a resource')
    .optional()
    .meta({ description: 'Agents with grants for this one of `/resources`.' }),
  q: line(1, 128)
    .optional()
    .meta({ description: 'A part of the name, case-insensitive, or the whole agent id.' }),
  sort: z.enum(agentSorts).default('-createdAt').meta({
    description: 'A minus sorts descending. A cursor is valid only with the sort that it came from.',
  }),
};

export const agentSchema = z
  .object({
    agentId: z.string().meta({ description: 'Also the OAuth client id. It never changes.' }),
    name: z.string(),
    description: z.string().nullable(),
    email: z.string().nullable(),
    agentType,
    version: z.string(),
    capabilities: z.array(z.string()),
    owner: z.string(),
    ownerTeam: z.string().nullable(),
    deploymentEnv,
    isPublic: z.boolean(),
    status,
    scopes: z.array(scopeSchema),
    resourceGrants: z
      .array(z.object({ resource: z.string(), scopes: z.array(z.string()) }))
      .meta({ description: 'The scopes of the tenant’s resources that its tokens can have.' }),
    callCap: callCap
      .nullable()
      // A response that the release before has stored for an Idempotency-Key has none.
      .default(null)
      .meta({ description: 'The daily limit of its API calls. `null`: none of its own.' }),
    credentials: z
      .object({
        active: z.int().meta({ description: 'How many there are.' }),
        nextExpiresAt: z.iso
          .datetime()
          .nullable()
          .meta({ description: 'When the first of them expires. `null`: none does.' }),
      })
      // A response that the release before has stored for an Idempotency-Key has none: a new agent has none either.
      .default({ active: 0, nextExpiresAt: null })
      .meta({ description: 'Its credentials that are neither revoked nor expired.' }),
    lastTokenAt: z.iso
      .datetime()
      .nullable()
      // A response that the release before has stored for an Idempotency-Key does not have it.
      .default(null)
      .meta({ description: 'When it last got a token. `null`: never.' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    decommissionedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Agent' });

export const presentAgent = ({
  agent: { id: agentId, createdAt, updatedAt, decommissionedAt, ...agent },
  resourceGrants: grants,
  credentials: { active, nextExpiresAt },
  lastTokenAt,
}: AgentView): z.output<typeof agentSchema> => ({
  ...agent,
  agentId,
  resourceGrants: namedGrants(grants),
  credentials: { active, nextExpiresAt: nextExpiresAt?.toISOString() ?? null },
  lastTokenAt: lastTokenAt?.toISOString() ?? null,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  decommissionedAt: decommissionedAt?.toISOString() ?? null,
});
