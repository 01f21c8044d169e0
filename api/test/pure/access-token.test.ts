import { generateKeyPairSync, verify } from 'node:crypto';
import { expect, describe, it } from 'vitest';
import { newId } from '../../src/platform/ids.ts';
import { Problem, unavailable } from '../../src/platform/problem.ts';
import { createVerifier, forAudience, signAccessToken } from '../../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../../src/services/tokens/claims.ts';
import { createRevocations } from '../../src/services/tokens/revocations.ts';
import { forgedTokens } from '../support/forged-tokens.ts';

const ISSUER = 'https://issuer.example';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const current = { kid: 'k', privateKey } as never;

const agentId = newId('agt');
const seconds = Math.floor(Date.now() / 1_000);
const claims: AccessTokenClaims = {
  ...{ iss: ISSUER, aud: ISSUER, sub: agentId, client_id: agentId, tenant_id: newId('ten') },
  ...{ credential_id: newId('crd'), credential_generation: 1, scope: 'agents:read', jti: newId('evt') },
  ...{ iat: seconds, exp: seconds + 900 },
};
const tokenOf = (changes: object = {}): string => signAccessToken({ current }, { ...claims, ...changes });

/** A verifier with all that it asks; the test changes what these answer. */
const start = () => {
  const world = {
    keys: new Map([['k', publicKey]]),
    now: new Date(seconds * 1_000),
    revocations: createRevocations(),
    lookUps: [] as string[],
    fresh: [] as (number | undefined)[],
    read: async (_maxAge: number | undefined): Promise<void> => {},
  };
  const verifyToken = createVerifier({
    signingKeys: {
      find: (kid) => {
        world.lookUps.push(kid);
        return world.keys.get(kid);
      },
    },
    revocations: world.revocations,
    feed: {
      fresh: async (maxAge) => {
        world.fresh.push(maxAge);
        await world.read(maxAge);
      },
    },
    issuer: ISSUER,
    clock: () => world.now,
  });
  return Object.assign(world, { verify: verifyToken });
};

describe('an access token', () => {
  it('signs so that others agree, whatever the length of the two numbers', () => {
    const short = { r: 0, s: 0 };
    for (let n = 0; n < 3_000; n++) {
      const [head, body, text] = tokenOf({ jti: `evt_${n}` }).split('.');
      const signature = Buffer.from(text!, 'base64url');
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify('sha256', Buffer.from(`${head}.${body}`), key, signature)).toBe(true);
      if (signature[0] === 0) short.r += 1;
      if (signature[32] === 0) short.s += 1;
    }
    // One number in 256 has a byte less; none among 3,000 would be a chance of one in 100,000.
    expect(Math.min(short.r, short.s)).toBeGreaterThan(0);
  });

  it('is accepted, and has the header of RFC 9068', async () => {
    const token = tokenOf();
    expect(await start().verify(token)).toEqual(claims);
    const [head] = token.split('.');
    expect(JSON.parse(Buffer.from(head!, 'base64url').toString())).toEqual({
      alg: 'ES256',
      typ: 'at+jwt',
      kid: 'k',
    });
  });

  it.each(forgedTokens({ token: tokenOf(), privateKey }))(
    'that is forged is refused: %s',
    async (_what, token) => {
      const { verify: verifyToken } = start();
      expect(await verifyToken(token)).toSatisfy(
        (found) => found === undefined || (found as AccessTokenClaims).aud !== ISSUER,
      );
      expect(await forAudience(verifyToken, ISSUER)(token)).toBeUndefined();
    },
  );

  it.each(
    [
      ['iss', 'aud', 'sub', 'client_id', 'tenant_id', 'scope', 'jti', 'iat', 'exp'],
      ['credential_id', 'credential_generation'],
    ].flat(),
  )('without %s is refused', async (name) => {
    expect(await start().verify(tokenOf({ [name]: undefined }))).toBeUndefined();
  });

  it('for several audiences is refused', async () => {
    expect(await start().verify(tokenOf({ aud: [ISSUER] }))).toBeUndefined();
  });

  it('names its client as the actor if it was exchanged, else as the subject', async () => {
    const actor = newId('agt');
    const act = { iss: ISSUER, sub: actor };
    const { verify: verifyToken } = start();
    expect(await verifyToken(tokenOf({ client_id: actor, act }))).toMatchObject({ sub: agentId, act });
    expect(await verifyToken(tokenOf({ act }))).toBeUndefined();
    expect(await verifyToken(tokenOf({ client_id: actor }))).toBeUndefined();
  });

  // A key id of one character makes a token of just that length possible.
  it('has at most 8,192 characters', async () => {
    const { verify: verifyToken } = start();
    const outcomes = [];
    for (let length = 5_500; length < 5_700; length++) {
      const token = tokenOf({ scope: 'x'.repeat(length) });
      outcomes.push([token.length <= 8_192, (await verifyToken(token)) !== undefined]);
      if (token.length === 8_192) outcomes.push('the limit itself');
    }
    expect(outcomes).toContain('the limit itself');
    for (const outcome of outcomes) {
      if (Array.isArray(outcome)) expect(outcome[1]).toBe(outcome[0]);
    }
  });
});

describe('an accepted token', () => {
  it('is not verified again, but its key, expiry and revocation are checked each time', async () => {
    const world = start();
    const token = tokenOf();
    await world.verify(token);
    world.lookUps.length = 0;
    expect(await world.verify(token)).toEqual(claims);
    expect(world.lookUps).toEqual(['k']);

    world.keys.clear();
    expect(await world.verify(token)).toBeUndefined();
    world.keys.set('k', publicKey);
    expect(await world.verify(token)).toEqual(claims);

    world.now = new Date(claims.exp * 1_000 - 1);
    expect(await world.verify(token)).toEqual(claims);
    world.now = new Date(claims.exp * 1_000);
    expect(await world.verify(token)).toBeUndefined();
    world.now = new Date(seconds * 1_000);

    const expires_at = new Date(Date.now() + 900_000).toISOString();
    world.revocations.add({ tokens: [{ jti: claims.jti, expires_at }], credentials: [], marks: [] });
    expect(await world.verify(token)).toBeUndefined();
  });

  it('waits for revocations, and for the newest if its agent may be active again', async () => {
    const world = start();
    const token = tokenOf();
    await world.verify(token);
    expect(world.fresh).toEqual([undefined]);
    const marks = [
      {
        ...{ agent_id: agentId, not_before: new Date(0).toISOString(), refused: true },
        expires_at: new Date(Date.now() + 900_000).toISOString(),
      },
    ];
    world.revocations.add({ tokens: [], credentials: [], marks });
    world.read = async (maxAge) => {
      if (maxAge === 0) world.revocations.replace({ tokens: [], credentials: [], marks: [] });
    };
    expect(await world.verify(token)).toEqual(claims);
    expect(world.fresh).toEqual([undefined, 0]);
  });

  it('is neither accepted nor refused while revocations cannot be read', async () => {
    const world = start();
    world.read = () => Promise.reject(unavailable(new Error('lost')));
    await expect(world.verify(tokenOf())).rejects.toBeInstanceOf(Problem);
  });
});

describe('an unknown key', () => {
  it('is looked for once more, in what was read lately', async () => {
    const world = start();
    world.keys.clear();
    const token = tokenOf();
    expect(await world.verify(token)).toBeUndefined();
    expect(world.fresh).toEqual([250]);
    world.read = async () => void world.keys.set('k', publicKey);
    expect(await world.verify(token)).toEqual(claims);
    expect(world.fresh).toEqual([250, 250, undefined]);
  });

  it('refuses nothing while keys cannot be read', async () => {
    const world = start();
    world.keys.clear();
    world.read = () => Promise.reject(unavailable(new Error('lost')));
    await expect(world.verify(tokenOf())).rejects.toBeInstanceOf(Problem);
  });
});

it('a token for a resource opens that resource alone', async () => {
  const { verify: verifyToken } = start();
  const token = tokenOf({ aud: 'https://crm.example' });
  expect(await forAudience(verifyToken, 'https://crm.example')(token)).toMatchObject({ sub: agentId });
  expect(await forAudience(verifyToken, ISSUER)(token)).toBeUndefined();
});
