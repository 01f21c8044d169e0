import { constants, createHmac, randomUUID, sign } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticateClient } from '../src/http/authenticate-client.ts';
import { createAttemptLimits } from '../src/http/attempt-limits.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import {
  ASSERTION_TYPE,
  addKey,
  assertionClaims,
  newKeyPair,
  requestByAssertion,
  signAssertion,
  signJws,
} from './support/assertions.ts';
import type { KeyPair, TestKey } from './support/assertions.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
let other: TestAgent;
let stranger: TestAgent;
let keys: Record<KeyPair['algorithm'], TestKey>;
let otherKey: TestKey;
let strangersKey: TestKey;
let expired: TestKey;
let revoked: TestKey;

beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUp(api);
  agent = await registerAgent(api, member, ['agents:read', 'billing:read']);
  other = await registerAgent(api, member);
  keys = {
    ES256: await addKey(member, agent.agentId, 'ES256'),
    EdDSA: await addKey(member, agent.agentId, 'EdDSA'),
    RS256: await addKey(member, agent.agentId, 'RS256'),
  };
  otherKey = await addKey(member, other.agentId);
  const owner = await signUp(api);
  stranger = await registerAgent(api, owner);
  strangersKey = await addKey(owner, stranger.agentId);
  [expired, revoked] = [await addKey(member, agent.agentId), await addKey(member, agent.agentId)];
  const past = `now() - interval '1 second'`;
  await api.sql(`update credentials set expires_at = ${past} where id = $1`, [expired.credentialId]);
  await api.sql(`update credentials set revoked_at = ${past} where id = $1`, [revoked.credentialId]);
});
afterAll(() => api.close());

const now = (): number => Math.floor(Date.now() / 1_000);

const expectRefusal = (reply: Reply, status: number, error: string): void => {
  expect([reply.status, reply.body.error, reply.body.access_token]).toEqual([status, error, undefined]);
  expect(reply.body.error_description).toEqual(expect.stringMatching(/\S/));
  expect(reply.headers.get('cache-control')).toBe('no-store');
  if (status === 401) expect(reply.headers.get('www-authenticate')).toMatch(/^Basic /);
};

describe('private_key_jwt', () => {
  it('A client gets a token by each method', async () => {
    const form = { grant_type: 'client_credentials' };
    const replies = [
      await requestToken(api, basic(agent.clientId, agent.clientSecret), form),
      await requestToken(api, undefined, {
        ...form,
        client_id: agent.clientId,
        client_secret: agent.clientSecret,
      }),
      await requestByAssertion(api, signAssertion(keys.ES256, agent.clientId)),
    ];
    for (const reply of replies) {
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 900,
        scope: 'agents:read billing:read',
      });
      expect(reply.headers.get('cache-control')).toBe('no-store');
      const headers = { authorization: `Bearer ${reply.body.access_token as string}` };
      expect((await call(api, '/agents', { headers })).status).toBe(200);
    }
  });

  it.each<[what: string, make: () => string, form?: () => Record<string, string>]>([
    ['ES256', () => signAssertion(keys.ES256, agent.clientId)],
    ['EdDSA', () => signAssertion(keys.EdDSA, agent.clientId)],
    ['Ed25519', () => signAssertion(keys.EdDSA, agent.clientId, { header: { alg: 'Ed25519' } })],
    ['RS256', () => signAssertion(keys.RS256, agent.clientId)],
    ['typ JWT', () => signAssertion(keys.ES256, agent.clientId, { header: { typ: 'JWT' } })],
    [
      'typ client-authentication+jwt',
      () => signAssertion(keys.ES256, agent.clientId, { header: { typ: 'client-authentication+jwt' } }),
    ],
    [
      'the credential as kid',
      () => signAssertion(keys.ES256, agent.clientId, { header: { kid: keys.ES256.credentialId } }),
    ],
    [
      'the thumbprint as kid',
      () => signAssertion(keys.RS256, agent.clientId, { header: { kid: keys.RS256.thumbprint } }),
    ],
    [
      'a life of 5 minutes',
      () => signAssertion(keys.ES256, agent.clientId, { claims: { exp: now() + 299 } }),
    ],
    ['no iat', () => signAssertion(keys.ES256, agent.clientId, { claims: { iat: undefined } })],
    ['an nbf', () => signAssertion(keys.ES256, agent.clientId, { claims: { nbf: now() } })],
    [
      'its client named beside it',
      () => signAssertion(keys.ES256, agent.clientId),
      () => ({ client_id: agent.clientId }),
    ],
  ])('takes an assertion with %s', async (_what, make, form) => {
    expect((await requestByAssertion(api, make(), form?.())).status).toBe(200);
  });

  it.each([
    ...['jwt', 'JWT', 'Jwt', 'application/jwt', 'APPLICATION/JWT', 'application/client-authentication+jwt'],
    ...['Client-Authentication+JWT', 'Application/Client-Authentication+Jwt'],
  ])('The type of an assertion is a media type (RFC 7515 section 4.1.9): %s', async (typ) => {
    const assertion = signAssertion(keys.ES256, agent.clientId, { header: { typ } });
    expect((await requestByAssertion(api, assertion)).status).toBe(200);
  });

  it('A clock that is 30 seconds off is borne, and an assertion still works once (RFC 7523 section 3)', async () => {
    let ahead = 0;
    const clock = () => new Date(Date.now() + ahead);
    const other = await startApi({ env: { BILLING_ENABLED: 'false' }, database: api.database, clock });
    const exp = now() + 60;
    const [late, later] = [1, 2].map(() => signAssertion(keys.ES256, agent.clientId, { claims: { exp } }));
    ahead = 75_000;
    expect((await requestByAssertion(other, late!)).status).toBe(200);
    const { jti } = JSON.parse(Buffer.from(late!.split('.')[1]!, 'base64url').toString()) as Json;
    const uses = await api.sql('select expires_at from assertion_uses where jti = $1', [jti]);
    expect(uses).toEqual([{ expires_at: new Date((exp + 30) * 1_000) }]);
    const again = await requestByAssertion(other, late!);
    expectRefusal(again, 401, 'invalid_client');
    expect(again.body.error_description).toMatch(/already used/);
    ahead = 91_000;
    const over = await requestByAssertion(other, later!);
    expectRefusal(over, 401, 'invalid_client');
    expect(over.body.error_description).toMatch(/expired/);
    ahead = -25_000;
    const early = signAssertion(keys.ES256, agent.clientId, { claims: { nbf: now(), exp: now() + 60 } });
    expect((await requestByAssertion(other, early)).status).toBe(200);
    await other.close();
  });

  it('takes a key from the moment that it is added', async () => {
    expect((await requestByAssertion(api, signAssertion(keys.ES256, agent.clientId))).status).toBe(200);
    const added = await addKey(member, agent.agentId);
    expect((await requestByAssertion(api, signAssertion(added, agent.clientId))).status).toBe(200);
  });
});

/** Signed by the agent's own ES256 key, with one thing wrong. */
const withClaims = (claims: Json) => (): string => signAssertion(keys.ES256, agent.clientId, { claims });
const withHeader = (header: Json) => (): string => signAssertion(keys.ES256, agent.clientId, { header });
const withPayload = (payload: unknown) => (): string => signJws(keys.ES256, { alg: 'ES256' }, payload);
const hmac = (key: string) => (): string => {
  const [, payload] = signAssertion(keys.ES256, agent.clientId).split('.');
  const input = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${payload}`;
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
};
const rsa = (alg: 'PS256' | 'RS512') => (): string => {
  const [header, payload] = [{ alg }, assertionClaims(agent.clientId)].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const input = `${header}.${payload}`;
  const padding = alg === 'PS256' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  const key = { key: keys.RS256.privateKey, padding, saltLength: 32 };
  const signature = sign(alg === 'PS256' ? 'sha256' : 'sha512', Buffer.from(input), key);
  return `${input}.${signature.toString('base64url')}`;
};
const unsigned = (): string => signAssertion(keys.ES256, agent.clientId).split('.').slice(0, 2).join('.');

const wrongAssertions: [what: string, make: () => string | Promise<string>][] = [
  ['a list audience', () => withClaims({ aud: [PUBLIC_URL] })()],
  ['a list of two audiences', () => withClaims({ aud: [PUBLIC_URL, 'https://x.example'] })()],
  ['the token endpoint as audience', () => withClaims({ aud: `${PUBLIC_URL}/oauth2/token` })()],
  ['an audience with a slash', () => withClaims({ aud: `${PUBLIC_URL}/` })()],
  ['an audience in capitals', () => withClaims({ aud: PUBLIC_URL.toUpperCase() })()],
  ['another audience', () => withClaims({ aud: 'https://evil.example' })()],
  ['a number as audience', () => withClaims({ aud: 1 })()],
  ['an empty audience', () => withClaims({ aud: '' })()],
  ['no audience', () => withClaims({ aud: undefined })()],
  ['no issuer', () => withClaims({ iss: undefined })()],
  ['another agent as issuer', () => withClaims({ iss: other.clientId })()],
  ['our issuer as issuer', () => withClaims({ iss: PUBLIC_URL })()],
  ['a list of issuers', () => withClaims({ iss: [agent.clientId] })()],
  ['no subject', () => withClaims({ sub: undefined })()],
  ['another agent as subject', () => withClaims({ sub: other.clientId, iss: other.clientId })()],
  ['a foreign agent as subject', () => withClaims({ sub: stranger.clientId, iss: stranger.clientId })()],
  ['an unknown agent as subject', () => signAssertion(keys.ES256, 'agt_00000000000000000000000000')],
  ['its credential as subject', () => signAssertion(keys.ES256, keys.ES256.credentialId)],
  ['a number as subject', () => withClaims({ sub: 1 })()],
  ['a NUL in its subject', () => signAssertion(keys.ES256, 'agt_\u0000')],
  ['no end', () => withClaims({ exp: undefined })()],
  ['an end in the past', () => withClaims({ exp: now() - 31 })()],
  ['a life over 5 minutes', () => withClaims({ exp: now() + 302 })()],
  ['a life of a year', () => withClaims({ exp: now() + 31_536_000 })()],
  ['a text as end', () => withClaims({ exp: String(now() + 60) })()],
  ['null as end', () => withClaims({ exp: null })()],
  [
    'an endless end',
    () => withPayload(JSON.stringify(assertionClaims(agent.clientId)).replace(/"exp":\d+/, '"exp":1e999'))(),
  ],
  ['a beginning in the future', () => withClaims({ nbf: now() + 40 })()],
  ['a text as beginning', () => withClaims({ nbf: 'now' })()],
  ['a birth in the future', () => withClaims({ iat: now() + 40 })()],
  ['no jti', () => withClaims({ jti: undefined })()],
  ['an empty jti', () => withClaims({ jti: '' })()],
  ['a number as jti', () => withClaims({ jti: 1 })()],
  ['a jti of 257 characters', () => withClaims({ jti: 'x'.repeat(257) })()],
  ['a NUL in its jti', () => withClaims({ jti: 'x\u0000' })()],
  ['a line break in its jti', () => withClaims({ jti: 'x\n' })()],
  ['half a character as jti', () => withClaims({ jti: '\ud800' })()],
  ['the type of an access token', () => withHeader({ typ: 'at+jwt' })()],
  ['an empty type', () => withHeader({ typ: '' })()],
  ['half a type', () => withHeader({ typ: 'application/' })()],
  ['the type of a text', () => withHeader({ typ: 'text/jwt' })()],
  ['a type twice', () => withHeader({ typ: 'application/application/jwt' })()],
  ['a type with a parameter', () => withHeader({ typ: 'jwt;x=y' })()],
  ['a list as type', () => withHeader({ typ: ['JWT'] })()],
  ['a number as type', () => withHeader({ typ: 1 })()],
  ['an unknown kid', () => withHeader({ kid: 'x' })()],
  ['a number as kid', () => withHeader({ kid: 1 })()],
  ['the kid of its other key', () => withHeader({ kid: keys.RS256.credentialId })()],
  ['the kid of another agent’s key', () => withHeader({ kid: otherKey.thumbprint })()],
  ['alg none', () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${unsigned().split('.')[1]}.`],
  ['another alg than its key’s', () => withHeader({ alg: 'RS256' })()],
  ['no alg', () => withHeader({ alg: undefined })()],
  [
    'HMAC with the public key',
    () => hmac(keys.ES256.publicKey.export({ type: 'spki', format: 'pem' }) as string)(),
  ],
  ['HMAC with the JWK', () => hmac(JSON.stringify(keys.ES256.publicJwk))()],
  ['HMAC with the client secret', () => hmac(agent.clientSecret)()],
  ['PS256 by the RS256 key', () => rsa('PS256')()],
  ['RS512 by the RS256 key', () => rsa('RS512')()],
  ['a signature in DER', () => signJws(keys.ES256, { alg: 'ES256' }, assertionClaims(agent.clientId), 'der')],
  ['a signature of zeros', () => `${unsigned()}.${Buffer.alloc(64).toString('base64url')}`],
  ['an empty signature', () => `${unsigned()}.`],
  [
    'the signature of another',
    () => `${unsigned()}.${signAssertion(keys.ES256, agent.clientId).split('.')[2]}`,
  ],
  ['a key of nobody', () => signAssertion(newKeyPair(), agent.clientId)],
  ['another agent’s key', () => signAssertion(otherKey, agent.clientId)],
  ['a foreign agent’s key', () => signAssertion(strangersKey, agent.clientId)],
  ['an expired key', () => signAssertion(expired, agent.clientId)],
  ['a revoked key', () => signAssertion(revoked, agent.clientId)],
  [
    'its key in its header',
    () => {
      const pair = newKeyPair();
      return signAssertion(pair, agent.clientId, { header: { jwk: pair.publicJwk } });
    },
  ],
  ['its own key in its header', () => withHeader({ jwk: keys.ES256.publicJwk })()],
  ['a jku', () => withHeader({ jku: 'http://127.0.0.1/jwks' })()],
  ['an x5u', () => withHeader({ x5u: 'http://127.0.0.1/cert' })()],
  ['an x5c', () => withHeader({ x5c: ['MIIB'] })()],
  ['a crit', () => withHeader({ crit: ['x'], x: 1 })()],
  ['an unencoded payload', () => withHeader({ crit: ['b64'], b64: false })()],
  ['a list as payload', () => withPayload([assertionClaims(agent.clientId)])()],
  ['a payload that is no JSON', () => withPayload('{')()],
  [
    'a repeated audience',
    () => {
      const claims = JSON.stringify(assertionClaims(agent.clientId));
      return withPayload(`${claims.slice(0, -1)},"aud":"https://evil.example"}`)();
    },
  ],
  ['a header that is no object', () => signJws(keys.ES256, '1', assertionClaims(agent.clientId))],
  ['two parts', unsigned],
  ['five parts', () => `${unsigned()}.x.x.x`],
  ['nothing of a JWT', () => 'x.y.z'],
  ['one word', () => 'x'],
  ['an access token in its place', () => agent.token()],
  ['a client secret in its place', () => agent.clientSecret],
];

describe('A client assertion works once: an assertion is refused', () => {
  it('whose jti was used', async () => {
    const assertion = signAssertion(keys.ES256, agent.clientId);
    expect((await requestByAssertion(api, assertion)).status).toBe(200);
    const again = await requestByAssertion(api, assertion);
    expectRefusal(again, 401, 'invalid_client');
    expect(again.body.error_description).toMatch(/already used/);
    const { jti } = JSON.parse(Buffer.from(assertion.split('.')[1]!, 'base64url').toString()) as Json;
    expectRefusal(
      await requestByAssertion(api, signAssertion(keys.ES256, agent.clientId, { claims: { jti } })),
      401,
      'invalid_client',
    );
  });

  it.each(wrongAssertions)('with %s (A stored key fixes its algorithm)', async (_what, make) => {
    expectRefusal(await requestByAssertion(api, await make()), 401, 'invalid_client');
  });

  it('of a suspended agent, even by a warm process', async () => {
    const stopped = await registerAgent(api, member);
    const key = await addKey(member, stopped.agentId);
    expect((await requestByAssertion(api, signAssertion(key, stopped.clientId))).status).toBe(200);
    await api.sql(`update agents set status = 'suspended' where id = $1`, [stopped.agentId]);
    expectRefusal(await requestByAssertion(api, signAssertion(key, stopped.clientId)), 401, 'invalid_client');
  });

  it('of a key that was revoked a moment ago, even by a warm process', async () => {
    const key = await addKey(member, other.agentId);
    expect((await requestByAssertion(api, signAssertion(key, other.clientId))).status).toBe(200);
    await api.sql('update credentials set revoked_at = now() where id = $1', [key.credentialId]);
    expectRefusal(await requestByAssertion(api, signAssertion(key, other.clientId)), 401, 'invalid_client');
  });

  it('A hundred parallel uses of one assertion get one token', async () => {
    const second = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' }, database: api.database });
    const assertion = signAssertion(keys.ES256, agent.clientId);
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) => requestByAssertion(i % 2 ? api : second, assertion)),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const reply of replies.filter(({ status }) => status !== 200))
      expectRefusal(reply, 401, 'invalid_client');
    await second.close();
  });

  it('is not used up by a request that fails for another reason', async () => {
    const assertion = signAssertion(keys.ES256, agent.clientId);
    const wider = await requestByAssertion(api, assertion, { scope: 'agents:write' });
    expectRefusal(wider, 400, 'invalid_scope');
    expect((await requestByAssertion(api, assertion)).status).toBe(200);
  });

  it('is used up by what the ledger does not commit too, once for all', async () => {
    const assertion = signAssertion(keys.ES256, agent.clientId);
    const authenticate = (requestId: string) =>
      authenticateClient(
        api.deps,
        createAttemptLimits(undefined, { SIGN_UP_MAX_PER_MINUTE: 60 }).clientAuthentication,
        {
          headers: {},
          body: { client_assertion: assertion, client_assertion_type: ASSERTION_TYPE },
          origin: { requestId, ip: '192.0.2.11', userAgent: null },
        },
      );
    const outcomes = await Promise.allSettled(['req_1', 'req_2', 'req_3'].map(authenticate));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expectRefusal(await requestByAssertion(api, assertion), 401, 'invalid_client');
  });

  it('An assertion stays used when its key is added again', async () => {
    const { agentId } = await registerAgent(api, member);
    const pair = newKeyPair();
    const add = async () =>
      (await member.post(`/agents/${agentId}/keys`, { publicKey: pair.publicJwk })).body
        .credentialId as string;
    let key = await add();
    const used: string[] = [];
    // Of a round in a second, what the process has kept of the key before is there when the next one is used.
    for (let rounds = 0, took = Infinity; rounds < 5 && took > 1_000; rounds++) {
      const started = performance.now();
      const assertion = signAssertion(pair, agentId);
      expect((await requestByAssertion(api, assertion)).status).toBe(200);
      await member.send('DELETE', `/agents/${agentId}/credentials/${key}`);
      key = await add();
      const fresh = await requestByAssertion(api, signAssertion(pair, agentId));
      took = performance.now() - started;
      expect([fresh.status, fresh.text]).toEqual([200, fresh.text]);
      expect(decodeJwt(fresh.body.access_token as string).credential_id).toBe(key);
      used.push(assertion);
    }
    for (const assertion of used) {
      const again = await requestByAssertion(api, assertion);
      expectRefusal(again, 401, 'invalid_client');
      expect(again.body.error_description).toMatch(/already used/);
    }
  });

  it('A jti is used once, by whichever key of its client', async () => {
    const [one, other] = [await addKey(member, agent.agentId), await addKey(member, agent.agentId)];
    const claims = { jti: randomUUID() };
    const replies = [one, other].map((key) =>
      requestByAssertion(api, signAssertion(key, agent.clientId, { claims })),
    );
    expect((await Promise.all(replies)).map(({ status }) => status).sort()).toEqual([200, 401]);
    // Another client's is another.
    const stranger = await registerAgent(api, member);
    const key = await addKey(member, stranger.agentId);
    const theirs = await requestByAssertion(api, signAssertion(key, stranger.clientId, { claims }));
    expect(theirs.status).toBe(200);
  });

  it('is forgotten once it has expired', async () => {
    await api.sql(`update assertion_uses set expires_at = now() - interval '11 minutes'`);
    const [{ count: before }] = (await api.sql('select count(*) from assertion_uses')) as [{ count: string }];
    expect(Number(before)).toBeGreaterThan(1);
    expect((await requestByAssertion(api, signAssertion(keys.ES256, agent.clientId))).status).toBe(200);
    const [{ count: after }] = (await api.sql('select count(*) from assertion_uses')) as [{ count: string }];
    expect(Number(after)).toBe(Number(before) - 1);
  });
});

describe('a request with an assertion', () => {
  const assertion = (): string => signAssertion(keys.ES256, agent.clientId);
  const send = (body: string, authorization?: string): Promise<Reply> =>
    call(api, '/oauth2/token', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: `grant_type=client_credentials&${body}`,
    });
  const type = `client_assertion_type=${encodeURIComponent(ASSERTION_TYPE)}`;

  it.each<[what: string, body: () => string, authorization?: () => string]>([
    ['no type', () => `client_assertion=${assertion()}`],
    ['an empty type', () => `client_assertion_type=&client_assertion=${assertion()}`],
    ['the type of SAML', () => `${type.replace('jwt', 'saml2')}&client_assertion=${assertion()}`],
    ['a type with a space', () => `${type}+&client_assertion=${assertion()}`],
    ['a type and no assertion', () => type],
    ['an empty assertion', () => `${type}&client_assertion=`],
    ['a repeated assertion', () => `${type}&client_assertion=${assertion()}&client_assertion=${assertion()}`],
    ['a repeated type', () => `${type}&${type}&client_assertion=${assertion()}`],
    ['another client_id', () => `${type}&client_assertion=${assertion()}&client_id=${other.clientId}`],
    [
      'another client_id besides Basic',
      () => `client_id=${other.clientId}`,
      () => basic(agent.clientId, agent.clientSecret),
    ],
  ])('is invalid with %s', async (_what, body, authorization) => {
    expectRefusal(await send(body(), authorization?.()), 400, 'invalid_request');
  });

  const secret = () => `client_id=${agent.clientId}&client_secret=${agent.clientSecret}`;
  const asserted = () => `${type}&client_assertion=${assertion()}`;
  it.each<[what: string, body: () => string, isBasic: boolean]>([
    ['a secret and an assertion', () => `${asserted()}&${secret()}`, false],
    ['an assertion and Basic', asserted, true],
    ['the type of an assertion and Basic', () => type, true],
    ['a secret and Basic', secret, true],
    ['all three', () => `${asserted()}&${secret()}`, true],
  ])('Two methods of authentication are refused: %s', async (_what, body, isBasic) => {
    const authorization = isBasic ? basic(agent.clientId, agent.clientSecret) : undefined;
    expectRefusal(await send(body(), authorization), 400, 'invalid_request');
  });

  it('limits a client that keeps failing from one address', async () => {
    const attempt = (make: () => string, from = '192.0.2.9') =>
      call(api, '/oauth2/token', {
        method: 'POST',
        headers: { 'x-forwarded-for': from },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: ASSERTION_TYPE,
          client_assertion: make(),
        }),
      });
    for (let i = 0; i < 20; i++)
      expect((await attempt(() => signAssertion(newKeyPair(), agent.clientId))).status).toBe(401);
    expectRefusal(await attempt(assertion), 429, 'rate_limited');
    expect((await attempt(assertion, '192.0.2.10')).status).toBe(200);
  });

  it('is told in the log by its credential, and never by its assertion', async () => {
    const sent = assertion();
    const { body } = await requestByAssertion(api, sent, { client_id: agent.clientId });
    const jti = (
      JSON.parse(Buffer.from((body.access_token as string).split('.')[1]!, 'base64url').toString()) as Json
    ).jti;
    const [entry] = await api.sql('select metadata from audit_events where event_id = $1', [jti]);
    expect(entry!.metadata).toEqual({
      credentialId: keys.ES256.credentialId,
      scope: 'agents:read billing:read',
      resource: PUBLIC_URL,
      grantType: 'client_credentials',
    });
    expect(JSON.stringify(api.logs)).not.toContain(sent.split('.')[2]);
  });
});
