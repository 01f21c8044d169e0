import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../src/services/tokens/claims.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { addKey, requestByAssertion, signAssertion } from './support/assertions.ts';
import { basic, call, grantResources, post, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const SEARCH = 'https://search.example';

let api: TestApi;
let member: TestMember;
let subject: TestAgent;
let client: TestAgent;
let stranger: TestAgent;
/** Tokens of these agents. */
let token: string;
let own: string;
let foreign: string;

beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  const owner = await signUp(api);
  member = await signUp(api);
  subject = await registerAgent(api, member, ['agents:read', 'billing:read', 'audit:read']);
  client = await registerAgent(api, member, ['agents:read', 'billing:read', 'trust:write']);
  stranger = await registerAgent(api, owner, ['agents:read', 'billing:read']);
  for (const tenant of [member, owner])
    await tenant.post('/resources', { identifier: SEARCH, scopes: ['find', 'agents:read'] });
  await grantResources(member, subject, { [SEARCH]: ['find', 'agents:read'] });
  await grantResources(member, client, { [SEARCH]: ['find', 'agents:read'] });
  [token, own, foreign] = await Promise.all([subject.token(), client.token(), stranger.token()]);
});
afterAll(() => api.close());

type Form = Record<string, string | undefined>;

const honest = (): Form => ({
  grant_type: EXCHANGE,
  subject_token: token,
  subject_token_type: ACCESS_TOKEN,
});

/** Sends the pairs as they are: a name may occur twice. */
const send = (pairs: [string, string][], by: TestAgent = client): Promise<Reply> =>
  call(api, '/oauth2/token', {
    method: 'POST',
    headers: { authorization: basic(by.clientId, by.clientSecret) },
    body: new URLSearchParams(pairs),
  });

const exchange = (form: Form = {}, by: TestAgent = client): Promise<Reply> =>
  send(
    Object.entries({ ...honest(), ...form }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
    by,
  );

const claimsOf = ({ body, text }: Reply): AccessTokenClaims => {
  if (!body.access_token) throw new Error(`no token: ${text}`);
  return decodeJwt<AccessTokenClaims>(body.access_token as string);
};

const resign = (changes: Partial<AccessTokenClaims>): string =>
  signAccessToken(api.deps.signingKeys, { ...decodeJwt<AccessTokenClaims>(token), ...changes });

const expectRefusal = (reply: Reply, error = 'invalid_request'): void => {
  expect([reply.status, reply.body.error, reply.body.access_token]).toEqual([400, error, undefined]);
  expect(reply.body.error_description).toEqual(expect.stringMatching(/\S/));
  expect(reply.headers.get('cache-control')).toBe('no-store');
};

describe('a token exchange', () => {
  it('An exchanged token shows its chain', async () => {
    const reply = await exchange({ scope: 'billing:read' });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'billing:read',
    });
    const [given, made] = [decodeJwt<AccessTokenClaims>(token), claimsOf(reply)];
    expect(made).toEqual({
      ...given,
      client_id: client.agentId,
      act: { iss: PUBLIC_URL, sub: client.agentId },
      credential_id: client.credentialId,
      exchanged_from: [{ jti: given.jti, credential_id: subject.credentialId, credential_generation: 0 }],
      scope: 'billing:read',
      jti: expect.stringMatching(/^evt_/),
      iat: expect.any(Number),
      exp: given.exp,
    });
    expect(made.exp).toBeLessThanOrEqual(given.exp);
    expect(made.exp - made.iat).toBe(reply.body.expires_in);
    const headers = { authorization: `Bearer ${reply.body.access_token as string}` };
    expect((await call(api, '/billing/usage', { headers })).status).toBe(200);
    expect((await call(api, '/agents', { headers })).status).toBe(403);
  });

  it('An exchange gives no scope that either lacks', async () => {
    expect((await exchange()).body.scope).toBe('agents:read billing:read');
    expectRefusal(await exchange({ scope: 'audit:read' }), 'invalid_scope');
    expectRefusal(await exchange({ scope: 'trust:write' }), 'invalid_scope');
    expectRefusal(await exchange({ scope: 'agents:read agents:write' }), 'invalid_scope');
    const narrow = await subject.requestToken({ scope: 'audit:read' });
    expectRefusal(await exchange({ subject_token: narrow.body.access_token as string }), 'invalid_scope');
  });

  it('never outlives its subject, whatever is left of that', async () => {
    const { exp, iat } = decodeJwt<AccessTokenClaims>(token);
    const short = resign({ jti: newId('evt'), exp: Math.min(exp, iat + 30) });
    const made = claimsOf(await exchange({ subject_token: short }));
    expect(made.exp).toBe(iat + 30);
  });

  it('No token is born expired', async () => {
    // The subject expires between the two looks at the clock: when it is verified, and when the new one is made.
    const second = Math.floor(Date.now() / 1_000) - 1;
    let now = second * 1_000 - 1;
    const clock = () => new Date(now);
    const late = await startApi({ env: { BILLING_ENABLED: 'false' }, database: api.database, clock });
    const { findResource } = late.deps;
    late.deps.findResource = async (...asked) => {
      const found = await findResource(...asked);
      now += 1;
      return found;
    };
    const { body } = await subject.requestToken({ resource: SEARCH });
    const claims = decodeJwt<AccessTokenClaims>(body.access_token as string);
    const ending = signAccessToken(api.deps.signingKeys, { ...claims, jti: newId('evt'), exp: second });
    const ask = () =>
      client.requestToken({ ...honest(), subject_token: ending } as Record<string, string>, late);
    expectRefusal(await ask());
    now = second * 1_000 - 2;
    const { status, body: answer } = await ask();
    expect([status, answer.expires_in]).toEqual([200, 1]);
    await late.close();
  });

  it('takes a private_key_jwt, an actor token of the client, and each default said aloud', async () => {
    const key = await addKey(member, client.agentId);
    const form = honest() as Record<string, string>;
    const byKey = await requestByAssertion(api, signAssertion(key, client.clientId), form);
    expect(claimsOf(byKey).act).toEqual({ iss: PUBLIC_URL, sub: client.agentId });
    const said = await exchange({
      actor_token: own,
      actor_token_type: ACCESS_TOKEN,
      requested_token_type: ACCESS_TOKEN,
      resource: PUBLIC_URL,
    });
    expect(claimsOf(said)).toMatchObject({ sub: subject.agentId, act: { sub: client.agentId } });
  });

  it('is for the resource of its subject, and that tenant’s own', async () => {
    const { body } = await subject.requestToken({ resource: SEARCH, scope: 'find' });
    const given = body.access_token as string;
    expect(claimsOf(await exchange({ subject_token: given }))).toMatchObject({ aud: SEARCH, scope: 'find' });
    expectRefusal(await exchange({ subject_token: given, scope: 'agents:read' }), 'invalid_scope');
    expectRefusal(await exchange({ subject_token: given, resource: PUBLIC_URL }), 'invalid_target');
    expectRefusal(await exchange({ resource: SEARCH }), 'invalid_target');
  });

  it('A chain of actors has at most three', async () => {
    const agents = await Promise.all(Array.from({ length: 4 }, () => registerAgent(api, member)));
    let given = token;
    for (const [i, actor] of agents.slice(0, 3).entries()) {
      const reply = await exchange({ subject_token: given }, actor);
      const expected = agents
        .slice(0, i + 1)
        .reduce<object | undefined>(
          (act, { agentId: sub }) => ({ iss: PUBLIC_URL, sub, ...(act && { act }) }),
          undefined,
        );
      expect(claimsOf(reply)).toMatchObject({ sub: subject.agentId, act: expected });
      given = reply.body.access_token as string;
    }
    expectRefusal(await exchange({ subject_token: given }, agents[3]));
    const headers = { authorization: `Bearer ${given}` };
    expect((await call(api, '/agents', { headers })).status).toBe(200);
  });

  it.each(['suspended', 'decommissioned'])(
    'The token of a suspended agent is not exchanged: %s',
    async (status) => {
      const [first, actor] = [await registerAgent(api, member), await registerAgent(api, member)];
      const given = await first.token();
      const acted = (await exchange({ subject_token: given }, actor)).body.access_token as string;
      expect((await exchange({ subject_token: acted })).status).toBe(200);
      const set = (id: string, to: string) =>
        api.sql('update agents set status = $2 where id = $1', [id, to]);
      await set(actor.agentId, status);
      expectRefusal(await exchange({ subject_token: acted }));
      expect((await exchange({ subject_token: given })).status).toBe(200);
      await set(actor.agentId, 'active');
      await set(first.agentId, status);
      expectRefusal(await exchange({ subject_token: acted }));
      expectRefusal(await exchange({ subject_token: given }));
    },
  );

  it('gives a suspended client nothing', async () => {
    const actor = await registerAgent(api, member);
    expect((await exchange({}, actor)).status).toBe(200);
    await api.sql(`update agents set status = 'suspended' where id = $1`, [actor.agentId]);
    const reply = await exchange({}, actor);
    expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
  });

  it('An actor does not take over the agent it acts for', async () => {
    const rotate = (bearer: string) =>
      post(
        api,
        `/agents/${subject.agentId}/credentials/${subject.credentialId}/rotate`,
        { overlapSeconds: 600 },
        { authorization: `Bearer ${bearer}` },
      );
    const acted = (await exchange()).body.access_token as string;
    const refused = await rotate(acted);
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect((await rotate(token)).status).toBe(200);
  });

  it('An exchange is a counted and recorded issuance', async () => {
    const issued = async (): Promise<number> => {
      const [row] = await api.sql(
        `select sum(count)::int as count from usage_events where tenant_id = $1 and metric = 'token_issuances'`,
        [member.tenantId],
      );
      return row!.count as number;
    };
    const before = await issued();
    const made = claimsOf(await exchange({ scope: 'agents:read' }));
    expect(await issued()).toBe(before + 1);
    const [entry] = await api.sql('select * from audit_events where event_id = $1', [made.jti]);
    expect(entry).toMatchObject({
      action: 'token.exchanged',
      outcome: 'success',
      actor_kind: 'agent',
      actor_id: client.agentId,
      agent_id: client.agentId,
      metadata: {
        credentialId: client.credentialId,
        grantType: EXCHANGE,
        scope: 'agents:read',
        resource: PUBLIC_URL,
        subject: subject.agentId,
        subjectTokenId: decodeJwt(token).jti,
        act: { iss: PUBLIC_URL, sub: client.agentId },
      },
    });
  });
});

const wrong: [what: string, form: () => Form | Promise<Form>, error?: string][] = [
  ['no subject token', () => ({ subject_token: undefined })],
  ['an empty subject token', () => ({ subject_token: '' })],
  ['a blank subject token', () => ({ subject_token: ' ' })],
  [
    'no subject token, but its own as the actor’s',
    () => ({
      subject_token: undefined,
      actor_token: own,
      actor_token_type: ACCESS_TOKEN,
    }),
  ],
  ['neither token nor type', () => ({ subject_token: undefined, subject_token_type: undefined })],
  ['no subject token type', () => ({ subject_token_type: undefined })],
  ['an empty subject token type', () => ({ subject_token_type: '' })],
  ['the type of an id token', () => ({ subject_token_type: ACCESS_TOKEN.replace('access', 'id') })],
  ['the type of a refresh token', () => ({ subject_token_type: ACCESS_TOKEN.replace('access', 'refresh') })],
  ['the type jwt', () => ({ subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' })],
  ['a type without its URN', () => ({ subject_token_type: 'access_token' })],
  ['a type in capitals', () => ({ subject_token_type: ACCESS_TOKEN.toUpperCase() })],
  ['a foreign tenant’s token', () => ({ subject_token: foreign })],
  ['its own secret', () => ({ subject_token: client.clientSecret })],
  [
    'a client assertion',
    async () => ({
      subject_token: signAssertion(await addKey(member, subject.agentId), subject.clientId),
    }),
  ],
  ['a session', () => ({ subject_token: member.cookie })],
  ['an agent’s id', () => ({ subject_token: subject.agentId })],
  [
    'a subject that is no agent',
    async () => ({ subject_token: resign({ sub: 'pol_1', client_id: 'pol_1' }) }),
  ],
  [
    'a subject that is not there',
    async () => {
      const id = newId('agt');
      return { subject_token: resign({ sub: id, client_id: id }) };
    },
  ],
  [
    'an actor in its chain that is not there',
    async () => {
      const id = newId('agt');
      return { subject_token: resign({ client_id: id, act: { iss: PUBLIC_URL, sub: id } }) };
    },
  ],
  [
    'a token of a resource that is gone',
    async () => ({ subject_token: resign({ aud: 'https://gone.example' }) }),
    'invalid_target',
  ],
  ['an actor token without its type', () => ({ actor_token: own })],
  ['an actor token type alone', () => ({ actor_token_type: ACCESS_TOKEN })],
  [
    'an actor token of another type',
    () => ({ actor_token: own, actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' }),
  ],
  ['the subject as the actor', () => ({ actor_token: token, actor_token_type: ACCESS_TOKEN })],
  ['a foreign actor', () => ({ actor_token: foreign, actor_token_type: ACCESS_TOKEN })],
  ['a broken actor token', () => ({ actor_token: `${own}x`, actor_token_type: ACCESS_TOKEN })],
  [
    'an exchanged actor token',
    async () => ({
      actor_token: (await exchange({ subject_token: own })).body.access_token as string,
      actor_token_type: ACCESS_TOKEN,
    }),
  ],
  ['a refresh token requested', () => ({ requested_token_type: ACCESS_TOKEN.replace('access', 'refresh') })],
  ['an id token requested', () => ({ requested_token_type: ACCESS_TOKEN.replace('access', 'id') })],
  ['a JWT requested', () => ({ requested_token_type: 'urn:ietf:params:oauth:token-type:jwt' })],
  ['an audience', () => ({ audience: 'billing' }), 'invalid_target'],
  ['the API as audience', () => ({ audience: PUBLIC_URL }), 'invalid_target'],
  ['another resource', () => ({ resource: SEARCH }), 'invalid_target'],
  ['an unknown resource', () => ({ resource: 'https://unknown.example' }), 'invalid_target'],
  ['a resource with a fragment', () => ({ resource: `${PUBLIC_URL}#x` }), 'invalid_target'],
  ['a scope of the client alone', () => ({ scope: 'trust:write' }), 'invalid_scope'],
  ['a scope of the subject alone', () => ({ scope: 'audit:read' }), 'invalid_scope'],
  ['a scope of neither', () => ({ scope: 'billing:write' }), 'invalid_scope'],
  ['a blank scope', () => ({ scope: ' ' }), 'invalid_scope'],
  ['its grant in capitals', () => ({ grant_type: EXCHANGE.toUpperCase() }), 'unsupported_grant_type'],
  ['its grant without the URN', () => ({ grant_type: 'token-exchange' }), 'unsupported_grant_type'],
  ['the name of a built-in as grant', () => ({ grant_type: 'constructor' }), 'unsupported_grant_type'],
  ['no grant', () => ({ grant_type: undefined })],
  ['another grant with its tokens', () => ({ grant_type: 'client_credentials' })],
  [
    'another grant with an actor',
    () => ({
      grant_type: 'client_credentials',
      subject_token: undefined,
      actor_token: own,
    }),
  ],
];

describe('A wrong exchange falls back to nothing', () => {
  const issued = async (): Promise<unknown> => {
    const [row] = await api.sql(`select count(*) from audit_events where action like 'token.%'`);
    return row!.count;
  };

  it.each(wrong)(
    'An exchange without a subject token fails, and so does one with %s',
    async (_what, form, error) => {
      const changes = await form();
      const before = await issued();
      expectRefusal(await exchange(changes), error);
      expect(await issued()).toBe(before);
    },
  );

  it.each([
    'grant_type',
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'resource',
    'audience',
    'scope',
    'client_id',
  ])('with %s repeated', async (name) => {
    const form: Record<string, string> = { ...(honest() as Record<string, string>) };
    const value = form[name] ?? { client_id: client.clientId, resource: PUBLIC_URL }[name] ?? 'x';
    const rest = Object.entries(form).filter(([other]) => other !== name);
    const before = await issued();
    expectRefusal(await send([...rest, [name, value], [name, value]]));
    expectRefusal(await send([...rest, [name, value], [name, '']]));
    expect(await issued()).toBe(before);
  });
});
