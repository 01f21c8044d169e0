import { z } from 'zod';
import { addKey } from '../../services/agents/add-key.ts';
import { keyAlgorithms, type KeyAlgorithm } from '../../platform/public-jwk.ts';
import { credentialTerms } from '../credential-terms.ts';
import { routesOf } from '../route.ts';

const { scopedRoute } = routesOf('credentials');

const algorithms = Object.keys(keyAlgorithms) as [KeyAlgorithm, ...KeyAlgorithm[]];

const publicKey = z.looseObject({ kty: z.string().max(16) }).meta({
  description: 'A JWK (RFC 7517) of a P-256, Ed25519 or RSA (2048 to 4096 bits) key; no private member.',
});

const add = scopedRoute({
  method: 'post',
  path: '/agents/:agentId/keys',
  operationId: 'addKey',
  summary: 'Add a public key, for private_key_jwt',
  access: ['agents:write'],
  params: z.strictObject({ agentId: z.string() }),
  repeatable: 'answer',
  body: z.strictObject({ publicKey, ...credentialTerms }),
  responses: {
    201: {
      description: 'The credential',
      schema: z
        .object({
          credentialId: z.string().meta({ description: 'Can be the `kid` of an assertion.' }),
          clientId: z.string().meta({ description: 'The agent’s id: `iss` and `sub` of an assertion.' }),
          kind: z.literal('key'),
          name: z.string().nullable(),
          algorithm: z
            .enum(algorithms)
            .meta({ description: 'The only algorithm that is accepted for the key.' }),
          thumbprint: z.string().meta({ description: 'The thumbprint (RFC 7638). It can be the `kid` too.' }),
          createdAt: z.iso.datetime(),
          expiresAt: z.iso.datetime().nullable(),
        })
        .meta({ id: 'KeyCredential' }),
    },
  },
  problems: ['not_found', 'agent_decommissioned', 'credential_limit', 'key_taken'],
  handle: async (deps, { params: { agentId }, body, origin }, principal) => {
    const key = await addKey(deps, principal, agentId, body, origin);
    const { id, algorithm, thumbprint, name, createdAt, expiresAt } = key;
    return {
      status: 201,
      body: {
        credentialId: id,
        clientId: agentId,
        kind: 'key',
        name,
        algorithm,
        thumbprint,
        createdAt: createdAt.toISOString(),
        expiresAt: expiresAt?.toISOString() ?? null,
      },
    };
  },
});

export const keyRoutes = [add];
