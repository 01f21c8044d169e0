import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { Json, TestMember } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  api = await startApi({ env });
  second = await startApi({ env, database: api.database });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const register = async (member: TestMember, body: Json): Promise<string> => {
  const reply = await member.post('/agents', body);
  if (reply.status !== 201) throw new Error(reply.text);
  return reply.body.agentId as string;
};

/** A colleague of the member, in the member's tenant. */
const hire = async ({ tenantId }: TestMember): Promise<TestMember> => {
  const colleague = await signUp(api);
  await api.sql('update members set tenant_id = $1 where user_id = $2', [tenantId, colleague.userId]);
  return colleague;
};

const details = {
  name: 'invoice-reader',
  description: 'Reads invoices',
  email: 'reader@example.com',
  agentType: 'extractor',
  version: '2.1.0-beta.1+build.5',
  capabilities: ['invoices:read', 'mail:*'],
  ownerTeam: 'Accounting',
  deploymentEnv: 'staging',
  isPublic: true,
  scopes: ['agents:read', 'audit:read'],
};

describe('what is said of an agent', () => {
  it('An agent keeps what is said of it', async () => {
    const member = await signUp(api);
    const colleague = await hire(member);
    const given = { ...details, owner: colleague.userId };
    const made = await member.post('/agents', given);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject(given);
    expect((await member.get(`/agents/${String(made.body.agentId)}`)).body).toEqual(made.body);
  });

  it('is changed as far as it is sent, and cleared by null', async () => {
    const member = await signUp(api);
    const agentId = await register(member, details);
    const changes = { name: 'mail-reader', description: null, ownerTeam: null, capabilities: ['mail:read'] };
    const changed = await member.send('PATCH', `/agents/${agentId}`, changes);
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ ...details, ...changes });
    expect((await member.get(`/agents/${agentId}`)).body).toEqual(changed.body);
  });

  it.each([
    ['nothing', {}],
    ['a status', { status: 'suspended' }],
    ['a tenant', { tenantId: 'ten_x' }],
    ['no name', { name: null }],
    ['an unknown scope', { scopes: ['root'] }],
    ['a list', []],
  ])('A caller sets nothing of the server by a change either: %s', async (_what, body) => {
    const member = await signUp(api);
    const agentId = await register(member, { name: 'a' });
    const before = (await member.get(`/agents/${agentId}`)).text;
    const reply = await member.send('PATCH', `/agents/${agentId}`, body);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    expect((await member.get(`/agents/${agentId}`)).text).toBe(before);
  });

  it('does not take the name of another', async () => {
    const member = await signUp(api);
    await register(member, { name: 'taken' });
    const agentId = await register(member, { name: 'free' });
    const reply = await member.send('PATCH', `/agents/${agentId}`, { name: 'taken' });
    expect([reply.status, reply.body.code]).toEqual([409, 'agent_name_taken']);
  });
});

describe('the owner', () => {
  it('An agent inherits the owner of its registrar', async () => {
    const member = await signUp(api);
    const colleague = await hire(member);
    const first = await registerAgent(api, member, ['agents:read', 'agents:write']);
    await member.send('PATCH', `/agents/${first.agentId}`, { owner: colleague.userId, ownerTeam: 'Ops' });
    const child = await first.post('/agents', { name: 'child' });
    expect(child.body).toMatchObject({ owner: colleague.userId, ownerTeam: 'Ops' });
  });

  it('A stranger owns no agent', async () => {
    const [member, stranger] = [await signUp(api), await signUp(api)];
    const agentId = await register(member, { name: 'mine' });
    const { userId: owner } = stranger;
    const replies = [
      await member.post('/agents', { name: 'theirs', owner }),
      await member.send('PATCH', `/agents/${agentId}`, { owner }),
    ];
    for (const reply of replies) {
      expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
      expect(reply.body.detail).toContain('member of your tenant');
    }
    const agents = (await member.get('/agents')).body.data as Json[];
    expect(agents.map(({ name, owner: by }) => [name, by])).toEqual([['mine', member.userId]]);
  });

  it('A team has a member behind it', async () => {
    const member = await signUp(api);
    const { body } = await member.post('/agents', { name: 'ours', ownerTeam: 'Ops' });
    expect(body).toMatchObject({ owner: member.userId, ownerTeam: 'Ops' });
  });

  it('A leaving member leaves no agent behind', async () => {
    const member = await signUp(api);
    const [leaver, admin] = [await hire(member), await hire(member)];
    await api.sql(`update members set role = 'admin' where user_id = $1`, [admin.userId]);
    const { userId: owner } = leaver;
    const working = await register(member, { name: 'working', owner });
    const stopped = await register(member, { name: 'stopped', owner });
    const ended = await register(member, { name: 'ended', owner });
    await member.post(`/agents/${stopped}/suspend`, undefined);
    await member.send('DELETE', `/agents/${ended}`);
    /** What would take the member away from the agents. */
    const ways: [string, string[]][] = [
      ['delete from members where user_id = $1', [owner]],
      ['delete from users where id = $1', [owner]],
      ['update members set tenant_id = $2 where user_id = $1', [owner, (await signUp(api)).tenantId]],
    ];
    const isRefused = async () => {
      for (const way of ways) {
        await expect(api.sql(...way)).rejects.toMatchObject({ constraint: 'agents_owner_fkey' });
      }
    };
    const listed = async (status: string): Promise<unknown[]> =>
      ((await admin.get(`/agents?status=${status}&owner=${owner}`)).body.data as Json[]).map(
        ({ agentId }) => agentId,
      );
    await isRefused();
    expect([await listed('active'), await listed('suspended')]).toEqual([[working], [stopped]]);
    const handOver = { owner: admin.userId };
    expect((await admin.send('PATCH', `/agents/${working}`, handOver)).status).toBe(200);
    await isRefused();
    expect((await admin.send('PATCH', `/agents/${stopped}`, handOver)).status).toBe(200);
    await api.sql(...ways[0]!);
    expect((await admin.get(`/agents?owner=${owner}`)).body.data).toMatchObject([{ agentId: ended }]);
    expect((await admin.get(`/agents/${working}`)).body.owner).toBe(admin.userId);
  });
});

describe('GET /agents', () => {
  it('Agents are filtered', async () => {
    const member = await signUp(api);
    const colleague = await hire(member);
    const all: Json[] = [
      { name: 'Reader one', agentType: 'extractor', capabilities: ['mail:read', 'mail:send'] },
      { name: 'reader_two', deploymentEnv: 'staging', capabilities: ['mail:read'] },
      { name: 'reader%three', agentType: 'extractor', deploymentEnv: 'staging', owner: colleague.userId },
      { name: 'writer', owner: colleague.userId },
    ];
    const ids: string[] = [];
    for (const agent of all) ids.push(await register(member, agent));
    await member.post(`/agents/${ids[0]}/suspend`, undefined);
    await member.send('DELETE', `/agents/${ids[3]}`);
    const found = async (query: string): Promise<number[]> => {
      const { body } = await member.get(`/agents?${query}`);
      return (body.data as Json[]).map(({ agentId }) => ids.indexOf(agentId as string) + 1).sort();
    };
    expect(await found('agentType=extractor')).toEqual([1, 3]);
    expect(await found('agentType=extractor&deploymentEnv=staging')).toEqual([3]);
    expect(await found(`owner=${colleague.userId}`)).toEqual([3, 4]);
    expect(await found('capability=mail:read')).toEqual([1, 2]);
    expect(await found('capability=mail:send&status=suspended')).toEqual([1]);
    expect(await found('status=decommissioned')).toEqual([4]);
    expect(await found('status=active')).toEqual([2, 3]);
    expect(await found('q=READER')).toEqual([1, 2, 3]);
    expect(await found('q=reader_')).toEqual([2]);
    expect(await found('q=reader%25')).toEqual([3]);
    expect(await found('status=active&status=suspended')).toEqual([1, 2, 3]);
    expect(await found('status=suspended&status=decommissioned')).toEqual([1, 4]);
    expect(await found('q=EADER')).toEqual([1, 2, 3]);
    expect(await found('q=r_t')).toEqual([2]);
    expect(await found(`q=${ids[1]}`)).toEqual([2]);
    expect(await found(`q=${ids[1]!.slice(0, -1)}`)).toEqual([]);
    const one = await member.get('/agents?q=reader&limit=1');
    const rest = await member.get(`/agents?q=reader&limit=9&cursor=${String(one.body.nextCursor)}`);
    expect(rest.body).toMatchObject({ data: [{ agentId: ids[1] }, { agentId: ids[0] }], nextCursor: null });
  });

  it.each([
    'status=gone',
    'status=active&status=gone',
    'sort=id',
    'sort=name&sort=-name',
    'agentType=x',
    'deploymentEnv=x',
    'owner=Ada',
    'capability=mail',
    'q=',
  ])('refuses ?%s with 400', async (query) =>
    expect((await (await signUp(api)).get(`/agents?${query}`)).status).toBe(400),
  );
});

describe('If-Match', () => {
  it('A stale change is refused', async () => {
    const member = await signUp(api);
    const path = `/agents/${await register(member, { name: 'shared' })}`;
    const etag = (await member.get(path)).headers.get('etag')!;
    const change = (version: string) => member.send('PATCH', path, { version }, { 'if-match': etag });
    const replies = await Promise.all(['2.0.0', '3.0.0'].map(change));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 412]);
    const won = replies.find(({ status }) => status === 200)!;
    expect(replies.find(({ status }) => status === 412)!.body.code).toBe('precondition_failed');
    const now = await member.get(path);
    expect(now.body.version).toBe(won.body.version);
    expect([won.headers.get('etag'), now.headers.get('etag')]).not.toContain(etag);
    expect(won.headers.get('etag')).toBe(now.headers.get('etag'));
  });

  it.each([
    ['*', 200],
    ['"9", "1"', 200],
    ['W/"1"', 412],
    ['"1x"', 412],
    ['1', 412],
    ['', 412],
  ])('%s of an agent whose ETag is "1" is answered %i', async (ifMatch, status) => {
    const member = await signUp(api);
    const path = `/agents/${await register(member, { name: 'first' })}`;
    const reply = await member.send('PATCH', path, { version: '2.0.0' }, { 'if-match': ifMatch });
    expect(reply.status).toBe(status);
  });

  it('is passed over by no suspension: that is a change too', async () => {
    const member = await signUp(api);
    const path = `/agents/${await register(member, { name: 'stopped' })}`;
    const etag = (await member.get(path)).headers.get('etag')!;
    await member.post(`${path}/suspend`, undefined);
    const reply = await member.send('PATCH', path, { version: '2.0.0' }, { 'if-match': etag });
    expect(reply.status).toBe(412);
  });
});

describe('the scopes', () => {
  it('A lost scope is granted no more', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write', 'trust:write']);
    expect((await agent.post('/agents', { name: 'one', scopes: ['trust:write'] })).status).toBe(201);
    const scopes = ['agents:read', 'agents:write'];
    await member.send('PATCH', `/agents/${agent.agentId}`, { scopes });
    const wider = { scopes: [...scopes, 'trust:write'] };
    expect([401, 403]).toContain(
      (await agent.post('/agents', { name: 'two', scopes: ['trust:write'] })).status,
    );
    expect([401, 403]).toContain((await agent.send('PATCH', `/agents/${agent.agentId}`, wider)).status);
    expect((await member.get('/agents')).body.data).toHaveLength(2);
    expect((await member.get(`/agents/${agent.agentId}`)).body.scopes).toEqual(scopes);
  });

  it('An agent changes nothing of a stronger one', async () => {
    const member = await signUp(api);
    const strong = await register(member, { name: 'strong', scopes: ['agents:read', 'trust:write'] });
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
    const change = (scopes: string[]) => agent.send('PATCH', `/agents/${strong}`, { scopes });
    expect((await change(['agents:read', 'trust:write', 'agents:write'])).status).toBe(403);
    expect((await change(['agents:read', 'trust:write', 'agents:write', 'audit:read'])).status).toBe(403);
    expect((await change(['trust:write', 'agents:write'])).status).toBe(403);
    for (const body of [{ name: 'taken over' }, { isPublic: true }, { owner: member.userId }]) {
      expect((await agent.send('PATCH', `/agents/${strong}`, body)).status).toBe(403);
    }
    const weak = await register(member, { name: 'weak', scopes: ['agents:read'] });
    expect((await agent.send('PATCH', `/agents/${weak}`, { description: 'ours' })).status).toBe(200);
  });

  it('A change of scopes is felt within a second', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member, ['agents:read', 'audit:read']);
    const processes = [api, second];
    const issued = () =>
      Promise.all(processes.map(async (one) => (await agent.requestToken({}, one)).body.scope));
    expect(await issued()).toEqual(['agents:read audit:read', 'agents:read audit:read']);
    await member.send('PATCH', `/agents/${agent.agentId}`, { scopes: ['billing:read'] });
    await until('every process issues the new scopes', async () =>
      (await issued()).every((scope) => scope === 'billing:read'),
    );
  });
});
