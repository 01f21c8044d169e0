import { generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClientSecret } from '../src/platform/client-secret.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { addKey, newKeyPair, requestByAssertion, signAssertion } from './support/assertions.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;

beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  member = await signUp(api);
  agent = await registerAgent(api, member);
});
afterAll(() => api.close());

const add = (publicKey: unknown, more: object = {}, agentId = agent.agentId): Promise<Reply> =>
  member.post(`/agents/${agentId}/keys`, { publicKey, ...more });

const expectDegenerate = ({ status, body }: Reply): void => {
  expect([status, body.code]).toEqual([400, 'validation_failed']);
  expect(body.detail).toEqual(expect.stringMatching(/key/));
};

const toBase64url = (value: bigint): string => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
};
const rsaKey = (n: bigint, e = 65_537n): JsonWebKey => ({ kty: 'RSA', n: toBase64url(n), e: toBase64url(e) });

/** The generator of P-256, and the point whose x is 0 (SEC 2 section 2.4.2). */
const P256_X = Buffer.from('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', 'hex');
const P256_Y = Buffer.from('4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5', 'hex');
const P256_PRIME = Buffer.from('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff', 'hex');
const P256_Y_OF_0 = Buffer.from('66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4', 'hex');

const zeros = (bytes: number): string => '00'.repeat(bytes);
const ones = (bytes: number): string => 'ff'.repeat(bytes);
/** The eight points of order 1, 2, 4 and 8, each encoding that a lax decoder takes for one of them, and others. */
const lowOrder: [what: string, hex: string][] = [
  ['order 1', `01${zeros(31)}`],
  ['order 2', `ec${ones(30)}7f`],
  ['order 4', zeros(32)],
  ['order 4, the other', `${zeros(31)}80`],
  ['order 8, the first', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
  ['order 8, the second', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
  ['order 8, the third', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ['order 8, the fourth', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
  ['order 1 with a sign', `01${zeros(30)}80`],
  ['order 2 with a sign', `ec${ones(31)}`],
  ['order 4, y as p', `ed${ones(30)}7f`],
  ['order 4, y as p, with a sign', `ed${ones(31)}`],
  ['order 1, y as p + 1', `ee${ones(30)}7f`],
  ['order 1, y as p + 1, with a sign', `ee${ones(31)}`],
  ['y over p', `f0${ones(30)}7f`],
  ['y of ones', ones(32)],
  ['no point of the curve', `02${zeros(31)}`],
  ['31 bytes', zeros(31)],
  ['33 bytes', zeros(33)],
];

const credentialsOf = (agentId: string) =>
  api.sql('select * from credentials where agent_id = $1 order by id', [agentId]);

describe('POST /agents/:agentId/keys', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)('A public key is taken: %s', async (algorithm) => {
    const own = await registerAgent(api, member);
    const { publicJwk } = newKeyPair(algorithm);
    const reply = await add({ ...publicJwk, use: 'sig', alg: algorithm, kid: 'mine' }, {}, own.agentId);
    expect(reply.status).toBe(201);
    expect(reply.body).toEqual({
      credentialId: expect.stringMatching(/^crd_/),
      clientId: own.agentId,
      kind: 'key',
      name: null,
      algorithm,
      thumbprint: await calculateJwkThumbprint(publicJwk as JWK),
      createdAt: expect.any(String),
      expiresAt: null,
    });
    const [, stored] = await credentialsOf(own.agentId);
    expect(stored).toMatchObject({ kind: 'key', secret_hash: null, pepper_id: null, public_jwk: publicJwk });
    const [entry] = await api.sql(
      `select * from audit_events where agent_id = $1 and metadata ->> 'kind' = 'key'`,
      [own.agentId],
    );
    expect(entry).toMatchObject({ action: 'credential.generated', actor_id: member.userId });
  });

  const privateJwk = (): JsonWebKey => newKeyPair().privateKey.export({ format: 'jwk' });
  it.each<[what: string, make: () => unknown]>([
    ['a P-256 private key', privateJwk],
    ['an Ed25519 private key', () => newKeyPair('EdDSA').privateKey.export({ format: 'jwk' })],
    ['an RSA private key', () => newKeyPair('RS256').privateKey.export({ format: 'jwk' })],
    ['a private member that is empty', () => ({ ...newKeyPair().publicJwk, d: '' })],
    ['an RSA key with a prime', () => ({ ...newKeyPair('RS256').publicJwk, p: 'AQAB' })],
    ['a symmetric key', () => ({ kty: 'oct', k: 'AAAA' })],
    ['a public key with a symmetric member', () => ({ ...newKeyPair().publicJwk, k: 'AAAA' })],
  ])('A private key is not taken: %s', async (_what, make) => {
    const before = await credentialsOf(agent.agentId);
    const jwk = make() as Record<string, string>;
    const reply = await add(jwk);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    if (jwk.d) expect(reply.text + JSON.stringify(api.logs)).not.toContain(jwk.d);
    expect(await credentialsOf(agent.agentId)).toEqual(before);
  });

  const rsa = (options: { modulusLength: number; publicExponent?: number }): JsonWebKey =>
    generateKeyPairSync('rsa', options).publicKey.export({ format: 'jwk' });
  const ec = (namedCurve: string): JsonWebKey =>
    generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
  it.each<[what: string, make: () => unknown]>([
    ['P-384', () => ec('P-384')],
    ['P-521', () => ec('P-521')],
    ['secp256k1', () => ec('secp256k1')],
    ['Ed448', () => generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' })],
    ['X25519', () => generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })],
    ['RSA of 1024 bits', () => rsa({ modulusLength: 1_024 })],
    ['RSA of 2047 bits', () => rsa({ modulusLength: 2_047 })],
    [
      'RSA of 8192 bits',
      () => ({ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1_024, 0xff).toString('base64url') }),
    ],
    ['RSA of 4097 bits', () => rsaKey((1n << 4_096n) + 1n)],
    ['RSA with the exponent 3', () => rsa({ modulusLength: 2_048, publicExponent: 3 })],
    ['a point that is not on the curve', () => ({ ...newKeyPair().publicJwk, x: newKeyPair().publicJwk.x })],
    ['no point', () => ({ kty: 'EC', crv: 'P-256' })],
    ['a coordinate that is a number', () => ({ ...newKeyPair().publicJwk, x: 1 })],
    ['an unknown kind', () => ({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' })],
    ['a key for encryption', () => ({ ...newKeyPair('RS256').publicJwk, use: 'enc' })],
    ['a key to sign with', () => ({ ...newKeyPair().publicJwk, key_ops: ['sign'] })],
    ['operations that are no list', () => ({ ...newKeyPair().publicJwk, key_ops: 'verify' })],
    ['an RSA key for PS256', () => ({ ...newKeyPair('RS256').publicJwk, alg: 'PS256' })],
    ['an EC key for RS256', () => ({ ...newKeyPair().publicJwk, alg: 'RS256' })],
    ['a key set', () => ({ keys: [newKeyPair().publicJwk] })],
    ['a text', () => JSON.stringify(newKeyPair().publicJwk)],
    ['a PEM', () => newKeyPair().publicKey.export({ type: 'spki', format: 'pem' })],
    ['nothing', () => undefined],
    ['null', () => null],
  ])('A weak or foreign key is not taken: %s', async (_what, make) => {
    const reply = await add(make());
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
  });

  const paddedModulus = Buffer.concat([
    Buffer.alloc(1),
    Buffer.from(newKeyPair('RS256').publicJwk.n!, 'base64url'),
  ]).toString('base64url');
  const modulus = BigInt(`0x${Buffer.from(newKeyPair('RS256').publicJwk.n!, 'base64url').toString('hex')}`);
  it.each<[what: string, jwk: () => unknown]>([
    ['an even modulus', () => rsaKey(modulus + 1n)],
    ['a modulus that 3 divides', () => rsaKey(3n * ((modulus / 3n) | 1n))],
    ['a modulus that 751 divides', () => rsaKey(751n * ((modulus / 751n) | 1n))],
    ['a prime modulus', () => rsaKey(generatePrimeSync(2_048, { bigint: true }))],
    ['a modulus of zeros', () => ({ kty: 'RSA', e: 'AQAB', n: Buffer.alloc(256).toString('base64url') })],
    ['no modulus', () => ({ kty: 'RSA', e: 'AQAB' })],
    ['an empty modulus', () => ({ kty: 'RSA', e: 'AQAB', n: '' })],
    ['a modulus of one bit', () => rsaKey(1n)],
    ['the exponent 0', () => rsaKey(modulus, 0n)],
    ['the exponent 1', () => rsaKey(modulus, 1n)],
    ['the exponent 2', () => rsaKey(modulus, 2n)],
    ['an even exponent', () => rsaKey(modulus, 65_536n)],
    ['the exponent 65539', () => rsaKey(modulus, 65_539n)],
    ['an exponent of 33 bits', () => rsaKey(modulus, (1n << 32n) + 1n)],
    ['an exponent of 257 bits', () => rsaKey(modulus, (1n << 256n) + 1n)],
    ['an exponent as large as the modulus', () => rsaKey(modulus, modulus)],
  ])('A degenerate key is not taken (NIST SP 800-89 section 5.3.3): RSA, %s', async (_what, jwk) => {
    expectDegenerate(await add(jwk()));
  });

  it.each(lowOrder)(
    'A degenerate key is not taken (RFC 8032 section 5.1.3): Ed25519, %s',
    async (_what, hex) => {
      const x = Buffer.from(hex, 'hex').toString('base64url');
      expectDegenerate(await add({ kty: 'OKP', crv: 'Ed25519', x }));
    },
  );

  it.each<[what: string, x: Buffer, y: Buffer]>([
    ['zeros', Buffer.alloc(32), Buffer.alloc(32)],
    ['ones', Buffer.alloc(32, 0xff), Buffer.alloc(32, 0xff)],
    ['a coordinate that is the prime', P256_PRIME, P256_Y_OF_0],
    ['31 bytes', Buffer.alloc(31, 1), Buffer.alloc(32, 1)],
    ['33 bytes', Buffer.concat([Buffer.alloc(1), P256_X]), P256_Y],
    ['its coordinates the other way round', P256_Y, P256_X],
    ['the point of another curve', Buffer.alloc(32, 1), Buffer.alloc(32, 2)],
  ])('A degenerate key is not taken (SEC 1 section 3.2.2): P-256, %s', async (_what, x, y) => {
    const [first, second] = [x, y].map((bytes) => bytes.toString('base64url'));
    expectDegenerate(await add({ kty: 'EC', crv: 'P-256', x: first, y: second }));
  });

  it.each<[what: string, jwk: () => JsonWebKey]>([
    ['padding', () => ({ ...rsaKey(modulus), n: `${toBase64url(modulus)}==` })],
    ['a line break', () => ({ ...rsaKey(modulus), n: `${toBase64url(modulus)}\n` })],
    ['a zero before its modulus', () => ({ ...rsaKey(modulus), n: paddedModulus })],
    ['a zero before its exponent', () => ({ ...rsaKey(modulus), e: 'AAEAAQ' })],
  ])('A degenerate key is not taken (RFC 7518 section 6.3.1.1): one with %s', async (_what, jwk) => {
    expectDegenerate(await add(jwk()));
  });

  it.each([
    ['an end in the past', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['an end that is no time', { expiresAt: 'tomorrow' }],
    ['an algorithm of its own', { algorithm: 'RS256' }],
    ['a kind', { kind: 'secret' }],
  ])('refuses %s', async (_what, more) => {
    const reply = await add(newKeyPair().publicJwk, more);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
  });

  it('ends the key at its expiry', async () => {
    const own = await registerAgent(api, member);
    const pair = newKeyPair();
    const reply = await add(pair.publicJwk, { expiresAt: '2999-01-01T01:00:00+01:00' }, own.agentId);
    expect(reply.body.expiresAt).toBe('2999-01-01T00:00:00.000Z');
    expect((await requestByAssertion(api, signAssertion(pair, own.clientId))).status).toBe(200);
    await api.sql('update credentials set expires_at = now() where id = $1', [reply.body.credentialId]);
    expect((await requestByAssertion(api, signAssertion(pair, own.clientId))).status).toBe(401);
  });

  it('An expired credential says so, a key to who signs with it alone', async () => {
    const own = await registerAgent(api, member);
    const [key, revoked] = [await addKey(member, own.agentId), await addKey(member, own.agentId)];
    const past = '2026-01-02T23:59:59Z';
    await api.sql('update credentials set expires_at = $1 where id = any ($2)', [
      past,
      [key.credentialId, revoked.credentialId],
    ]);
    await api.sql('update credentials set revoked_at = $1 where id = $2', [past, revoked.credentialId]);
    const ask = (...signed: Parameters<typeof signAssertion>) =>
      requestByAssertion(api, signAssertion(...signed));

    const told = await ask(key, own.clientId);
    expect([told.status, told.body.error]).toEqual([401, 'invalid_client']);
    expect(told.body.error_description).toContain('expired on 2026-01-02');

    const unknown = await ask(newKeyPair(), own.clientId);
    const header = { kid: key.credentialId };
    expect((await ask(newKeyPair(), own.clientId, { header })).text).toBe(unknown.text);
    expect((await ask(revoked, own.clientId)).text).toBe(unknown.text);
    const stale = await ask(key, own.clientId, { claims: { exp: 1 } });
    expect([stale.status, stale.text.includes('expired on')]).toEqual([401, false]);
    await member.send('POST', `/agents/${own.agentId}/suspend`);
    expect((await ask(key, own.clientId)).text).toBe(unknown.text);
  });

  it('says so in a process that has just let the key through', async () => {
    const own = await registerAgent(api, member);
    const pair = newKeyPair();
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    expect((await add(pair.publicJwk, { expiresAt }, own.agentId)).status).toBe(201);
    let ahead = 0;
    const clock = () => new Date(Date.now() + ahead);
    const second = await startApi({ env: { BILLING_ENABLED: 'false' }, database: api.database, clock });
    const claims = { exp: Math.floor(Date.now() / 1_000) + 200 };
    const ask = () => requestByAssertion(second, signAssertion(pair, own.clientId, { claims }));
    expect((await ask()).status).toBe(200);
    ahead = 60_000;
    const told = await ask();
    expect([told.status, told.body.error_description]).toEqual([
      401,
      expect.stringContaining(`expired on ${expiresAt.slice(0, 10)}`),
    ]);
    await second.close();
  });

  it('finds a live key among many ended ones', async () => {
    const own = await registerAgent(api, member);
    const live = await addKey(member, own.agentId);
    await api.sql(
      `insert into credentials (tenant_id, id, agent_id, kind, algorithm, public_jwk, thumbprint, created_at, revoked_at)
       select tenant_id, id || n, agent_id, kind, algorithm, $2, n, now() + interval '1 hour', now()
       from credentials, generate_series(1, 100) as n where id = $1`,
      [live.credentialId, newKeyPair().publicJwk],
    );
    expect((await requestByAssertion(api, signAssertion(live, own.clientId))).status).toBe(200);
  });

  it('takes a key once for an agent, in parallel too', async () => {
    const own = await registerAgent(api, member);
    const { publicJwk } = newKeyPair();
    const replies = await Promise.all(Array.from({ length: 5 }, () => add(publicJwk, {}, own.agentId)));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect(replies.find(({ status }) => status === 409)!.body.code).toBe('key_taken');
  });

  it('A key is revoked and not rotated: it is listed beside the secrets', async () => {
    const own = await registerAgent(api, member);
    const key = await addKey(member, own.agentId);
    const path = `/agents/${own.agentId}/credentials`;
    const { data } = (await member.get(path)).body as { data: Record<string, unknown>[] };
    expect(data.map(({ credentialId, kind, thumbprint }) => ({ credentialId, kind, thumbprint }))).toEqual([
      { credentialId: key.credentialId, kind: 'key', thumbprint: key.thumbprint },
      { credentialId: own.credentialId, kind: 'secret', thumbprint: null },
    ]);
    for (const overlapSeconds of [0, 60]) {
      const rotated = await member.post(`${path}/${key.credentialId}/rotate`, { overlapSeconds });
      expect([rotated.status, rotated.body.code]).toEqual([409, 'credential_is_key']);
    }
    expect((await requestByAssertion(api, signAssertion(key, own.clientId))).status).toBe(200);
    const revoked = await call(api, `${path}/${key.credentialId}`, {
      method: 'DELETE',
      headers: { cookie: member.cookie, origin: DASHBOARD_URL },
    });
    expect(revoked.status).toBe(204);
    expect((await requestByAssertion(api, signAssertion(key, own.clientId))).status).toBe(401);
    const again = await add(key.publicJwk, { name: 'again' }, own.agentId);
    expect([again.status, again.body.name]).toEqual([201, 'again']);
  });

  it('lets an agent have ten live credentials, its secret among them', async () => {
    const own = await registerAgent(api, member);
    const replies = await Promise.all(
      Array.from({ length: 12 }, () => add(newKeyPair().publicJwk, {}, own.agentId)),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(9);
    const refused = replies.find(({ status }) => status !== 201)!;
    expect([refused.status, refused.body.code]).toEqual([409, 'credential_limit']);
    await api.sql('update credentials set revoked_at = now() where id = $1', [own.credentialId]);
    expect((await add(newKeyPair().publicJwk, {}, own.agentId)).status).toBe(201);
  });

  it('Nobody adds a key to a mightier agent', async () => {
    const clerk = await registerAgent(api, member, ['agents:read', 'agents:write']);
    const boss = await registerAgent(api, member, ['agents:read', 'billing:write']);
    const reply = await clerk.post(`/agents/${boss.agentId}/keys`, { publicKey: newKeyPair().publicJwk });
    expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
    expect(await credentialsOf(boss.agentId)).toHaveLength(1);
    const { status } = await clerk.post(`/agents/${agent.agentId}/keys`, {
      publicKey: newKeyPair().publicJwk,
    });
    expect(status).toBe(201);
  });

  it('is 404 for a foreign or unknown agent, 409 for a decommissioned one, and 403 without agents:write', async () => {
    const stranger = await registerAgent(api, await signUp(api));
    const unknown = await add(newKeyPair().publicJwk, {}, 'agt_00000000000000000000000000');
    const foreign = await add(newKeyPair().publicJwk, {}, stranger.agentId);
    expect([unknown.status, foreign.status]).toEqual([404, 404]);
    const { requestId: _one, ...first } = unknown.body;
    const { requestId: _two, ...second } = foreign.body;
    expect(first).toEqual(second);
    const reader = await registerAgent(api, member);
    const { status } = await reader.post(`/agents/${reader.agentId}/keys`, {
      publicKey: newKeyPair().publicJwk,
    });
    expect(status).toBe(403);
    await api.sql(`update agents set status = 'decommissioned' where id = $1`, [reader.agentId]);
    expect((await add(newKeyPair().publicJwk, {}, reader.agentId)).status).toBe(409);
  });
});

it('a secret that names a key’s credential is refused as any other', async () => {
  const own = await registerAgent(api, member);
  const { credentialId } = await addKey(member, own.agentId);
  const reply = await requestToken(api, basic(own.clientId, newClientSecret(credentialId)), {
    grant_type: 'client_credentials',
  });
  expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
});

it('a credential is never both: the database refuses a key with a secret, and a secret without', async () => {
  const { credentialId } = await addKey(member, (await registerAgent(api, member)).agentId);
  for (const change of [
    `secret_hash = '\\x00'`,
    `secret_hash = '\\x00', pepper_id = 'p1', kind = 'secret'`,
    `kind = 'secret'`,
    `kind = 'other'`,
    `public_jwk = null`,
    `algorithm = 'HS256'`,
  ]) {
    await expect(api.sql(`update credentials set ${change} where id = $1`, [credentialId])).rejects.toThrow(
      /credentials_kind_check/,
    );
  }
});
