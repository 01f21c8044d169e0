import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../src/services/tokens/claims.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair, signAssertion } from './support/assertions.ts';
import { basic, call, grantResources, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** A longest scope name of a resource. */
const LONG = 'x'.repeat(62);

let first: TestApi;
let second: TestApi;
let member: TestMember;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  first = await startApi({ env });
  second = await startApi({ env, database: first.database });
  member = await signUp(first);
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const claimsOf = (token: string) => decodeJwt<AccessTokenClaims>(token);
const statuses = (tokens: string[]) =>
  Promise.all(
    [first, second].flatMap((api) =>
      tokens.map(
        async (token) =>
          (await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } })).status,
      ),
    ),
  );
/** How soon is judged by a proof. */
const becomes = (tokens: string[], expected: number[]) =>
  expect.poll(() => statuses(tokens)).toEqual(expected);
const all = (status: number, tokens: string[]) => tokens.concat(tokens).map(() => status);

const ask = (actor: TestAgent, token: string): Promise<Reply> =>
  actor.requestToken({ grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN });
const exchange = async (actor: TestAgent, token: string): Promise<string> =>
  (await ask(actor, token)).body.access_token as string;
const revoke = ({ clientId, clientSecret }: TestAgent, token: string) =>
  call(first, '/oauth2/revoke', {
    method: 'POST',
    headers: { authorization: basic(clientId, clientSecret) },
    body: new URLSearchParams({ token }),
  });

const agents = (howMany: number) =>
  Promise.all(Array.from({ length: howMany }, () => registerAgent(first, member)));

/** A token, one that was exchanged from it, and one that was exchanged from that. */
const line = async () => {
  const [subject, actor, last] = await agents(3);
  const given = await subject!.token();
  const exchanged = await exchange(actor!, given);
  const tokens = [given, exchanged, await exchange(last!, exchanged)];
  expect(await statuses(tokens)).toEqual(all(200, tokens));
  return { subject: subject!, actor: actor!, last: last!, tokens };
};

describe('a credential that is revoked', () => {
  it('A revoked credential ends its tokens within a second', async () => {
    const [agent] = await agents(1);
    const path = `/agents/${agent!.agentId}/credentials`;
    const { body } = await member.post(path, {});
    const other = await requestToken(first, basic(agent!.clientId, body.clientSecret as string), {
      grant_type: 'client_credentials',
    });
    const [token, spared] = [await agent!.token(), other.body.access_token as string];
    expect(await statuses([token, spared])).toEqual([200, 200, 200, 200]);
    await member.send('DELETE', `${path}/${agent!.credentialId}`);
    await becomes([token, spared], [401, 200, 401, 200]);
  });

  it('ends the tokens of a key, too', async () => {
    const [agent] = await agents(1);
    const pair = newKeyPair();
    const path = `/agents/${agent!.agentId}`;
    const { body } = await member.post(`${path}/keys`, { publicKey: pair.publicJwk });
    const reply = await requestToken(first, undefined, {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signAssertion(pair, agent!.clientId),
    });
    const token = reply.body.access_token as string;
    expect(claimsOf(token)).toMatchObject({ credential_id: body.credentialId, credential_generation: 0 });
    await member.send('DELETE', `${path}/credentials/${body.credentialId as string}`);
    await becomes([token], [401, 401]);
  });

  it.each([0, 1, 2])('ends what was exchanged from its tokens: link %d', async (link) => {
    const { subject, actor, last, tokens } = await line();
    const { agentId, credentialId } = [subject, actor, last][link]!;
    await member.send('DELETE', `/agents/${agentId}/credentials/${credentialId}`);
    const [alive, ended] = [tokens.slice(0, link), tokens.slice(link)];
    await becomes(ended, all(401, ended));
    expect(await statuses(alive)).toEqual(all(200, alive));
  });

  it.each([0, 3_600])('A rotation ends no token: overlap of %d s', async (overlapSeconds) => {
    const [agent] = await agents(1);
    const token = await agent!.token();
    const path = `/agents/${agent!.agentId}/credentials/${agent!.credentialId}/rotate`;
    expect((await member.post(path, { overlapSeconds })).status).toBe(200);
    await Promise.all([first, second].map(({ deps }) => deps.tokenFeed.refresh()));
    expect(await statuses([token])).toEqual([200, 200]);
  });
});

it('The end of a credential is known longer than any of its tokens lives', async () => {
  const [agent] = await agents(1);
  await member.send('DELETE', `/agents/${agent!.agentId}/credentials/${agent!.credentialId}`);
  const rows = await first.sql(
    `select r.expires_at > c.revoked_at + interval '1 hour' as "isLonger"
     from revoked_credentials r join credentials c on c.id = r.credential_id where c.id = $1`,
    [agent!.credentialId],
  );
  expect(rows).toEqual([{ isLonger: true }]);
});

describe('a token that is revoked', () => {
  it.each([0, 1, 2])('A revoked token ends what was exchanged from it: link %d', async (link) => {
    const { subject, actor, last, tokens } = await line();
    await revoke([subject, actor, last][link]!, tokens[link]!);
    const [alive, ended] = [tokens.slice(0, link), tokens.slice(link)];
    await becomes(ended, all(401, ended));
    expect(await statuses(alive)).toEqual(all(200, alive));
    for (const token of ended) expect((await ask(last, token)).body.error).toBe('invalid_request');
  });

  it('Links that have expired still end what follows', async () => {
    const { subject, tokens } = await line();
    const [given, , exchanged] = tokens.map(claimsOf);
    /** As if the link between had lived a minute, and were forgotten. */
    const between = { jti: newId('evt', Date.now() - 60_000), credential_id: newId('crd') };
    const last = signAccessToken(first.deps.signingKeys, {
      ...exchanged!,
      exchanged_from: [between, exchanged!.exchanged_from!.at(-1)!],
    });
    expect(await statuses([last])).toEqual([200, 200]);
    expect(exchanged!.exchanged_from!.at(-1)!.jti).toBe(given!.jti);
    await revoke(subject, tokens[0]!);
    await becomes([last], [401, 401]);
  });
});

it('costs no memory for ever', async () => {
  const [agent] = await agents(1);
  await member.send('DELETE', `/agents/${agent!.agentId}/credentials/${agent!.credentialId}`);
  const rows = async () =>
    (
      await first.sql('select count(*)::int as rows from revoked_credentials where credential_id = $1', [
        agent!.credentialId,
      ])
    )[0]!.rows;
  expect(await rows()).toBe(1);
  await first.sql(`update revoked_credentials set expires_at = now() - interval '2 minutes'`);
  await first.deps.db.acrossTenants((trx) => trx.raw('select delete_ended_revocations()'));
  expect(await rows()).toBe(0);
});

it('The longest token that is issued is accepted', async () => {
  const scopes = Array.from({ length: 20 }, (_, i) => `${LONG}${10 + i}`);
  const identifier = `https://crm.example/${'y'.repeat(236)}`;
  expect((await member.post('/resources', { identifier, scopes })).status).toBe(201);
  const made = await agents(4);
  for (const agent of made) await grantResources(member, agent, { [identifier]: scopes });
  const actors = made.slice(1);
  const reply = await made[0]!.requestToken({ resource: identifier });
  let token = reply.body.access_token as string;
  for (const actor of actors) token = await exchange(actor, token);
  const { scope, act } = claimsOf(token);
  expect([scope.split(' ').length, act?.act?.act?.sub]).toEqual([20, actors[0]!.agentId]);
  const { clientId, clientSecret } = made[0]!;
  const told = await call(first, '/oauth2/introspect', {
    method: 'POST',
    headers: { authorization: basic(clientId, clientSecret) },
    body: new URLSearchParams({ token }),
  });
  expect(told.body.active).toBe(true);
});
