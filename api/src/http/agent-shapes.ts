import { z } from 'zod';
import { agentStatuses, agentTypes, deploymentEnvs } from '../models/agent.ts';
import { isId } from '../platform/ids.ts';
import { scopes } from '../platform/principal.ts';
import { email } from './email.ts';
import type { GrantedAgent } from '../services/agents/with-grants.ts';
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
};

/** By which agents are listed. */
export const agentFilter = {
  status: status.optional(),
  agentType: agentType.optional(),
  deploymentEnv: deploymentEnv.optional(),
  owner: memberId.optional(),
  capability: capability.optional(),
  resourceId: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'Agents with grants for this one of `/resources`.' }),
  q: line(1, 128).optional().meta({ description: 'The start of the name, case-insensitive.' }),
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
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    decommissionedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Agent' });

export const presentAgent = ({
  agent: { id: agentId, createdAt, updatedAt, decommissionedAt, ...agent },
  resourceGrants: grants,
}: GrantedAgent): z.output<typeof agentSchema> => ({
  ...agent,
  agentId,
  resourceGrants: namedGrants(grants),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  decommissionedAt: decommissionedAt?.toISOString() ?? null,
});
