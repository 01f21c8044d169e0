import { z } from 'zod';
import { credentialKinds, type Credential } from '../../models/credential.ts';
import { createCredential, type NewCredential } from '../../services/agents/create-credential.ts';
import { endOverlap } from '../../services/agents/end-overlap.ts';
import { listCredentials } from '../../services/agents/list-credentials.ts';
import { revokeCredential } from '../../services/agents/revoke-credential.ts';
import { rotateCredential } from '../../services/agents/rotate-credential.ts';
import { credentialTerms } from '../credential-terms.ts';
import { pageQuery, pageSchema, presentPage } from '../paging.ts';
import { routesOf } from '../route.ts';

const { scopedRoute } = routesOf('credentials');
const path = '/agents/:agentId/credentials';

const params = z.strictObject({ agentId: z.string() });
const itsParams = z.strictObject({ agentId: z.string(), credentialId: z.string() });

const credentialFields = {
  credentialId: z.string(),
  kind: z.enum(credentialKinds),
  thumbprint: z.string().nullable().meta({ description: 'The thumbprint of a key (RFC 7638).' }),
  name: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable().meta({ description: 'When it last got a token, to the minute.' }),
  revokedAt: z.iso.datetime().nullable(),
  overlapUntil: z.iso.datetime().nullable().meta({ description: 'When the previous secret expires.' }),
};

const credentialSchema = z.object(credentialFields).meta({ id: 'Credential' });

const newCredentialSchema = z
  .object({
    ...credentialFields,
    clientId: z.string().meta({ description: 'The agent’s id.' }),
    clientSecret: z.string().meta({ description: 'Store it now. It is shown only once.' }),
  })
  .meta({ id: 'NewCredential' });

const presentCredential =
  (now: Date) =>
  (credential: Credential): z.output<typeof credentialSchema> => {
    const { id, kind, thumbprint, name, createdAt, expiresAt, lastUsedAt, revokedAt, previousUntil } =
      credential;
    const overlapUntil = previousUntil && previousUntil > now ? previousUntil : null;
    return {
      credentialId: id,
      kind,
      thumbprint,
      name,
      createdAt: createdAt.toISOString(),
      expiresAt: expiresAt?.toISOString() ?? null,
      lastUsedAt: lastUsedAt?.toISOString() ?? null,
      revokedAt: revokedAt?.toISOString() ?? null,
      overlapUntil: overlapUntil?.toISOString() ?? null,
    };
  };

const presentNew = (now: Date, { credential, clientSecret }: NewCredential) => ({
  ...presentCredential(now)(credential),
  clientId: credential.agentId,
  clientSecret,
});

const create = scopedRoute({
  method: 'post',
  path,
  operationId: 'createCredential',
  summary: 'Create a client secret; it is shown only once',
  access: ['agents:write'],
  repeatable: 'secret',
  params,
  body: z.strictObject(credentialTerms),
  responses: { 201: { description: 'The credential with its secret', schema: newCredentialSchema } },
  problems: ['not_found', 'agent_decommissioned', 'credential_limit'],
  handle: async (deps, { params: { agentId }, body, origin }, principal) => {
    const made = await createCredential(deps, principal, { agentId, ...body }, origin);
    return { status: 201, body: presentNew(deps.clock(), made) };
  },
});

const list = scopedRoute({
  method: 'get',
  path,
  operationId: 'listCredentials',
  summary: 'List an agent’s credentials, newest first, without their secrets',
  access: ['agents:read'],
  params,
  query: z.strictObject(pageQuery),
  responses: {
    200: { description: 'A page of credentials', schema: pageSchema(credentialSchema, 'CredentialPage') },
  },
  problems: ['not_found'],
  handle: async ({ db, clock }, { params: { agentId }, query }, { tenantId }) => ({
    status: 200,
    body: presentPage(await listCredentials(db, tenantId, { agentId, ...query }), presentCredential(clock())),
  }),
});

const rotate = scopedRoute({
  method: 'post',
  path: `${path}/:credentialId/rotate`,
  operationId: 'rotateCredential',
  summary: 'Rotate a credential; the new secret is shown only once',
  access: ['agents:write'],
  ownNeedsNoScope: true,
  repeatable: 'secret',
  params: itsParams,
  body: z.strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(604_800)
      .default(0)
      .meta({ description: 'How long the previous secret still works: up to 7 days.' }),
  }),
  responses: { 200: { description: 'The credential with its new secret', schema: newCredentialSchema } },
  problems: ['not_found', 'agent_decommissioned', 'credential_ended', 'credential_is_key'],
  handle: async (deps, { params: name, body, origin }, principal) => {
    const made = await rotateCredential(deps, principal, { ...name, ...body }, origin);
    return { status: 200, body: presentNew(deps.clock(), made) };
  },
});

const endPrevious = scopedRoute({
  method: 'delete',
  path: `${path}/:credentialId/previous`,
  operationId: 'endCredentialOverlap',
  summary: 'Revoke the previous secret now',
  access: ['agents:write'],
  ownNeedsNoScope: true,
  params: itsParams,
  responses: { 204: { description: 'Only the newest secret works', schema: null } },
  problems: ['not_found'],
  handle: async (deps, { params: name, origin }, principal) => {
    await endOverlap(deps, principal, name, origin);
    return { status: 204 };
  },
});

const revoke = scopedRoute({
  method: 'delete',
  path: `${path}/:credentialId`,
  operationId: 'revokeCredential',
  summary: 'Revoke a credential immediately',
  access: ['agents:write'],
  params: itsParams,
  responses: { 204: { description: 'The credential is revoked', schema: null } },
  problems: ['not_found'],
  handle: async (deps, { params: name, origin }, principal) => {
    await revokeCredential(deps, principal, name, origin);
    return { status: 204 };
  },
});

export const credentialRoutes = [create, list, rotate, endPrevious, revoke];
