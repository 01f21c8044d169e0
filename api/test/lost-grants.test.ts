import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, grantResources, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';
import { holdTime, passTime, restoreTime } from './support/time.ts';
import { until } from '../../dev/test/support/until.ts';

afterAll(restoreTime);

const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
let member: TestMember;
/** A resource of the test's own, and agents that are granted all of it. */
let resource: string;
let resourceId: string;
let agent: TestAgent;
let actor: TestAgent;

beforeAll(async () => {
  api = await startApi({ env });
  second = await startApi({ env, database: api.database });
  member = await signUp(api);
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const ALL = ['read', 'write'];

const makeResource = async (): Promise<string> => {
  const { body } = await member.post('/resources', { identifier: resource, scopes: ALL });
  return body.resourceId as string;
};

const grant = async (to: TestAgent, ...scopes: string[]): Promise<void> => {
  const reply = await grantResources(member, to, scopes.length ? { [resource]: scopes } : {});
  expect(reply.status).toBe(200);
};

const granted = async (...scopes: string[]): Promise<TestAgent> => {
  const made = await registerAgent(api, member);
  await grant(made, ...scopes);
  return made;
};

beforeEach(async () => {
  resource = `https://${newId('res').replace('_', '-')}.example`;
  resourceId = await makeResource();
  [agent, actor] = [await granted(...ALL), await granted(...ALL)];
});

const remove = async (): Promise<void> => {
  expect((await member.send('DELETE', `/resources/${resourceId}`)).status).toBe(204);
};

const tokenOf = ({ body, text }: Reply): string => {
  if (!body.access_token) throw new Error(`no token: ${text}`);
  return body.access_token as string;
};

const ask = (of: TestAgent, process = api, form: Record<string, string> = {}): Promise<Reply> =>
  of.requestToken({ resource, ...form }, process);

const exchange = (by: TestAgent, token: string, process = api, form: Record<string, string> = {}) =>
  by.requestToken(
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...form,
    },
    process,
  );

const scopeOf = ({ status, body }: Reply): unknown => (status === 200 ? body.scope : body.error);

/** What each process answers to a call of the API with the token. */
const use = (token: string): Promise<number[]> =>
  Promise.all(
    [api, second].map(
      async (process) =>
        (await call(process, '/agents', { headers: { authorization: `Bearer ${token}` } })).status,
    ),
  );

/** Every process has read what ends tokens, as far as it was committed before. */
const readByAll = () => Promise.all([api, second].map(({ deps }) => deps.tokenFeed.refresh()));

const isActive = async (token: string, by = actor, process = api): Promise<unknown> =>
  (
    await call(process, '/oauth2/introspect', {
      method: 'POST',
      headers: { authorization: basic(by.clientId, by.clientSecret) },
      body: new URLSearchParams({ token }),
    })
  ).body.active;

/** Tokens that were got before and that rely on what the agent was granted. */
const tokensOf = async (of: TestAgent) => {
  const own = tokenOf(await ask(of));
  return { own, exchanged: tokenOf(await exchange(actor, own)), ofApi: await of.token() };
};

const expectLiving = async (
  { own, exchanged, ofApi }: Awaited<ReturnType<typeof tokensOf>>,
  living: boolean,
) => {
  expect([await isActive(own), await isActive(exchanged)]).toEqual([living, living]);
  expect(await use(ofApi)).toEqual(living ? [200, 200] : [401, 401]);
};

/** How soon is judged by a proof. */
const becomes = (what: string, see: () => Promise<unknown>, expected: unknown): Promise<void> =>
  until(what, async () => {
    expect(await see()).toEqual(expected);
    return true;
  });
const end = (tokens: Awaited<ReturnType<typeof tokensOf>>): Promise<void> =>
  until('the tokens are refused', async () => {
    await expectLiving(tokens, false);
    return true;
  });

describe('A lost grant ends the tokens of its agent within a second', () => {
  const losses: [what: string, lose: () => Promise<unknown>][] = [
    ['one of its scopes', () => grant(agent, 'read')],
    ['all of it', () => grant(agent)],
    ['its resource', remove],
    [
      'a scope, in the database alone',
      () =>
        api.sql(`update agent_resource_grants set scopes = '{read}' where agent_id = $1`, [agent.agentId]),
    ],
    [
      'its row, in the database alone',
      () => api.sql('delete from agent_resource_grants where agent_id = $1', [agent.agentId]),
    ],
  ];
  it.each(losses)('%s', async (_what, lose) => {
    const [before, others] = [await tokensOf(agent), await tokensOf(await granted(...ALL))];
    await expectLiving(before, true);
    await lose();
    await end(before);
    if (lose !== remove) await expectLiving(others, true);
    expect(await use(await agent.token())).toEqual([200, 200]);
  });

  it('of an actor, too', async () => {
    const { own, exchanged } = await tokensOf(agent);
    const reader = await granted('read');
    await grant(actor, 'write');
    const introspected = async (token: string) => scopeOf(await exchange(reader, token, second));
    await becomes('what was exchanged is refused', () => introspected(exchanged), 'invalid_request');
    expect(await introspected(own)).toBe('read');
  });

  it('and one that is widened, or given anew, ends nothing', async () => {
    const reader = await granted('read');
    const before = await tokensOf(reader);
    const [token, other] = [await tokensOf(agent), 'https://other.example'];
    await member.post('/resources', { identifier: other, scopes: ['a'] });
    await grantResources(member, agent, { [resource]: ['write', 'read'], [other]: ['a'] });
    await grant(reader, ...ALL);
    await readByAll();
    await expectLiving(token, true);
    await expectLiving(before, true);
  });

  it('with a clock that is ahead', async () => {
    const clock = () => new Date(Date.now() + 1_500);
    const ahead = await startApi({ env, database: api.database, clock });
    const token = tokenOf(await ask(agent, ahead));
    const other = tokenOf(await ask(actor, ahead));
    await grant(agent, 'read');
    await remove();
    const active = async () => [await isActive(token), await isActive(other)];
    await becomes('both are refused', active, [false, false]);
    await ahead.close();
  });

  it('and the next token is good at once, though the clock is behind that of the database', async () => {
    const clock = () => new Date(Date.now() - 1_500);
    const behind = await startApi({ env, database: api.database, clock });
    const owner = await signUp(behind);
    await owner.post('/resources', { identifier: resource, scopes: ALL });
    const slow = await registerAgent(behind, owner);
    for (const scopes of [ALL, ['read']]) await grantResources(owner, slow, { [resource]: scopes });
    expect(await isActive(tokenOf(await ask(slow, behind)), slow, behind)).toBe(true);
    await behind.close();
  });
});

describe('a process that has just looked', () => {
  it('gives no token with a scope that is lost, from the moment of the answer', async () => {
    const processes = [api, second];
    const both = () => Promise.all(processes.map(async (process) => scopeOf(await ask(agent, process))));
    await holdTime(async () => {
      expect(await both()).toEqual(['read write', 'read write']);
      await grant(agent, 'read');
      expect(await both()).toEqual(['invalid_scope', 'invalid_scope']);
      passTime(1_001);
      expect(await both()).toEqual(['read', 'read']);
      await grant(agent);
      expect(await both()).toEqual(['invalid_scope', 'invalid_scope']);
      passTime(1_001);
      expect(await both()).toEqual(['invalid_target', 'invalid_target']);
      await grant(agent, 'write');
      expect(await both()).toEqual(['write', 'write']);
    });
  });

  it('gives none for a resource that was deleted and made again', async () => {
    expect([scopeOf(await ask(agent)), scopeOf(await ask(agent, second))]).toEqual([
      'read write',
      'read write',
    ]);
    await remove();
    await makeResource();
    for (const process of [api, second]) expect((await ask(agent, process)).status).toBe(400);
    const both = () => Promise.all([api, second].map(async (process) => scopeOf(await ask(agent, process))));
    await becomes('the resource is none', both, ['invalid_target', 'invalid_target']);
    await grant(agent, 'read');
    expect([scopeOf(await ask(agent)), scopeOf(await ask(agent, second))]).toEqual(['read', 'read']);
  });
});

describe('An exchange gives no scope of a resource that its actor was not granted', () => {
  it('and none to who has no grant', async () => {
    const token = tokenOf(await ask(agent));
    const [reader, nobody] = [await granted('read'), await granted()];
    expect(scopeOf(await exchange(reader, token))).toBe('read');
    expect(scopeOf(await exchange(reader, token, api, { scope: 'write' }))).toBe('invalid_scope');
    expect(scopeOf(await exchange(nobody, token))).toBe('invalid_target');
    const narrow = tokenOf(await ask(agent, api, { scope: 'write' }));
    expect(scopeOf(await exchange(reader, narrow))).toBe('invalid_scope');
  });

  it('in a chain of three, whichever of them loses it', async () => {
    const chain = [await granted(...ALL), await granted(...ALL), await granted(...ALL)];
    const line = async (): Promise<string[]> => {
      const tokens = [tokenOf(await ask(agent))];
      for (const next of chain) tokens.push(tokenOf(await exchange(next, tokens.at(-1)!)));
      return tokens;
    };
    expect((await line()).map((token) => decodeJwt(token).scope)).toEqual(Array(4).fill('read write'));
    for (const loser of [agent, chain[0]!, chain[1]!]) {
      const given = (await line())[2]!;
      await grant(loser, 'read');
      const after = await Promise.all([api, second].map((process) => exchange(chain[2]!, given, process)));
      for (const reply of after) expect(reply.status).toBe(400);
      await grant(loser, ...ALL);
    }
    const given = (await line())[2]!;
    await grant(chain[2]!, 'write');
    const exchanged = async () => scopeOf(await exchange(chain[2]!, given, second));
    await becomes('its new grant is felt', exchanged, 'write');
  });
});

interface Issued {
  token: string;
  sentAfter: boolean;
}

it('No token slips past a loss of a grant', async () => {
  const subject = tokenOf(await ask(agent));
  const issued: Issued[] = [];
  let isAnswered = false;
  let isOver = false;
  const client = async (index: number): Promise<void> => {
    const process = index % 2 ? api : second;
    while (!isOver) {
      const sentAfter = isAnswered;
      const reply = await (index % 4 < 2 ? ask(agent, process) : exchange(actor, subject, process));
      if (reply.status === 200) issued.push({ token: tokenOf(reply), sentAfter });
      else expect(reply.status).toBe(400);
    }
  };
  const clients = Array.from({ length: 16 }, (_, index) => client(index));
  await until('tokens are issued', () => issued.length >= 60);
  await grant(agent, 'read');
  isAnswered = true;
  await until('tokens are issued again', () => issued.filter(({ sentAfter }) => sentAfter).length > 60);
  isOver = true;
  await Promise.all(clients);

  const wide = issued.filter(({ token }) => String(decodeJwt(token).scope).includes('write'));
  expect(wide.length).toBeGreaterThan(0);
  expect(wide.filter(({ sentAfter }) => sentAfter)).toEqual([]);
  const living = async () => new Set(await Promise.all(wide.map(({ token }) => isActive(token))));
  await becomes('all that hold it are refused', living, new Set([false]));
  const left = async () => isActive(tokenOf(await ask(agent)));
  await becomes('a token of what is left is good', left, true);
  expect(scopeOf(await ask(agent))).toBe('read');
});

it('No token slips past a loss of a grant, though the agent holds a scope of that name for the API', async () => {
  await member.post('/resources', { identifier: `${resource}/api`, scopes: ['agents:read'] });
  const own = { resource: `${resource}/api` };
  await grantResources(member, agent, { [own.resource]: ['agents:read'] });
  const both = () =>
    Promise.all([api, second].map(async (process) => scopeOf(await ask(agent, process, own))));
  await holdTime(async () => {
    expect(await both()).toEqual(['agents:read', 'agents:read']);
    await grant(agent);
    expect(await both()).toEqual(['invalid_scope', 'invalid_scope']);
  });
});

it('parallel changes of grants leave what one of them asked for, and as many revisions', async () => {
  const sets = [['read'], ['write'], []];
  const before = Number((await member.get(`/agents/${agent.agentId}`)).headers.get('etag')!.slice(1, -1));
  await Promise.all(sets.map((scopes) => grant(agent, ...scopes)));
  const { body, headers } = await member.get(`/agents/${agent.agentId}`);
  const left = (body.resourceGrants as { scopes: string[] }[])[0]?.scopes ?? [];
  expect(sets).toContainEqual(left);
  expect(headers.get('etag')).toBe(`"${before + 3}"`);
});
