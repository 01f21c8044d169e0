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

  it.each<[what: string, make: () => unknown]>([
    ['a degenerate key', () => ({ kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') })],
    ['a text', () => JSON.stringify(newKeyPair().publicJwk)],
    ['a PEM', () => newKeyPair().publicKey.export({ type: 'spki', format: 'pem' })],
    ['nothing', () => undefined],
    ['null', () => null],
  ])('A weak or foreign key is not taken: %s', async (_what, make) => {
    const reply = await add(make());
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
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
