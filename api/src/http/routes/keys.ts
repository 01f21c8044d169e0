import { z } from 'zod';
import { addKey } from '../../services/agents/add-key.ts';
import { Problem } from '../../platform/problem.ts';
import { keyAlgorithms } from '../../platform/public-jwk.ts';
import type { KeyAlgorithm } from '../../platform/public-jwk.ts';
import { scopedRoute } from '../route.ts';

const algorithms = Object.keys(keyAlgorithms) as [KeyAlgorithm, ...KeyAlgorithm[]];

const publicKey = z.looseObject({ kty: z.string().max(16) }).meta({
  description: 'A JWK (RFC 7517) of a P-256, Ed25519 or RSA (2048 to 4096 bits) key; no private member.',
});

const checkExpiry = (expiresAt: string | undefined, now: Date): Date | undefined => {
  if (expiresAt === undefined) return undefined;
  const date = new Date(expiresAt);
  if (date <= now) throw new Problem('validation_failed', 'expiresAt must be in the future.');
  return date;
};

const add = scopedRoute({
  method: 'post',
  path: '/agents/:agentId/keys',
  operationId: 'addKey',
  summary: 'Add a public key, for private_key_jwt',
  tag: 'credentials',
  access: ['agents:write'],
  params: z.strictObject({ agentId: z.string() }),
  body: z.strictObject({ publicKey, expiresAt: z.iso.datetime({ offset: true }).optional() }),
  responses: {
    201: {
      description: 'The credential',
      schema: z
        .object({
          credentialId: z.string().meta({ description: 'May stand as `kid` in the header of an assertion.' }),
          clientId: z.string().meta({ description: 'The agent’s id: `iss` and `sub` of an assertion.' }),
          kind: z.literal('key'),
          algorithm: z.enum(algorithms).meta({ description: 'The only one that the key is used with.' }),
          thumbprint: z.string().meta({ description: 'RFC 7638; may stand as `kid` too.' }),
          createdAt: z.iso.datetime(),
          expiresAt: z.iso.datetime().nullable(),
        })
        .meta({ id: 'KeyCredential' }),
    },
  },
  problems: ['not_found', 'credential_limit', 'key_taken'],
  handle: async (deps, { params: { agentId }, body, origin }, principal) => {
    const expiresAt = checkExpiry(body.expiresAt, deps.clock());
    const key = { publicKey: body.publicKey, expiresAt };
    const { id, algorithm, thumbprint, createdAt } = await addKey(deps, principal, agentId, key, origin);
    return {
      status: 201,
      body: {
        credentialId: id,
        clientId: agentId,
        kind: 'key',
        algorithm,
        thumbprint,
        createdAt: createdAt.toISOString(),
        expiresAt: expiresAt?.toISOString() ?? null,
      },
    };
  },
});

export const keyRoutes = [add];
