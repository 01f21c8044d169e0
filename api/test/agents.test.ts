import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import { adminUrl } from './support/servers.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe('POST /agents', () => {
  it('An agent is registered by its name', async () => {
    const member = await signUp(api);
    const reply = await member.post('/agents', { name: '  reader  ' });
    expect(reply.status).toBe(201);
    expect(reply.body).toEqual({
      agentId: expect.stringMatching(/^agt_[0-9a-z]{26}$/),
      name: 'reader',
      description: null,
      email: null,
      agentType: 'custom',
      version: '1.0.0',
      capabilities: [],
      owner: member.userId,
      ownerTeam: null,
      deploymentEnv: 'production',
      isPublic: false,
      status: 'active',
      scopes: ['agents:read'],
      resourceGrants: [],
      callCap: null,
      credentials: { active: 0, nextExpiresAt: null },
      lastTokenAt: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      decommissionedAt: null,
    });
    expect(reply.headers.get('location')).toBe(`http://api.test/agents/${String(reply.body.agentId)}`);
  });

  it('A second agent of the same name conflicts, in its own tenant alone', async () => {
    const [a, b] = [await signUp(api), await signUp(api)];
    expect((await a.post('/agents', { name: 'same' })).status).toBe(201);
    const again = await a.post('/agents', { name: 'same' });
    expect([again.status, again.body.code]).toEqual([409, 'agent_name_taken']);
    expect((await b.post('/agents', { name: 'same' })).status).toBe(201);
  });

  it.each(['', '  ', 'x'.repeat(129)])('A name outside its bounds is refused: "%s"', async (name) => {
    const member = await signUp(api);
    const reply = await member.post('/agents', { name });
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    expect((reply.body.errors as { path: string }[]).map(({ path }) => path)).toEqual(['body.name']);
    expect((await member.get('/agents')).body.data).toEqual([]);
  });

  it.each([
    ['no name', {}],
    ['a NUL', { name: 'a\u0000b' }],
    ['half a surrogate pair', { name: 'a\ud800b' }],
    ['a server-owned field', { name: 'a', tenantId: 'ten_x' }],
    ['a status', { name: 'a', status: 'suspended' }],
    ['an unknown scope', { name: 'a', scopes: ['root'] }],
    ['an id', { name: 'a', agentId: 'agt_00000000000000000000000000' }],
    ['a revision', { name: 'a', revision: 7 }],
    ['an unknown field', { name: 'a', colour: 'blue' }],
    ['an unknown type', { name: 'a', agentType: 'oracle' }],
    ['an unknown environment', { name: 'a', deploymentEnv: 'moon' }],
    ['half a version', { name: 'a', version: '1.0' }],
    ['a version with a leading zero', { name: 'a', version: '1.01.0' }],
    ['a capability without an action', { name: 'a', capabilities: ['invoices'] }],
    ['33 capabilities', { name: 'a', capabilities: Array.from({ length: 33 }, (_, i) => `a:b${i}`) }],
    ['half an email address', { name: 'a', email: 'a@' }],
    ['an owner that is no user id', { name: 'a', owner: 'Ada' }],
    ['a word for a boolean', { name: 'a', isPublic: 'yes' }],
    ['no scope', { name: 'a', scopes: [] }],
    ['a number', { name: 5 }],
    ['a list', []],
    ['null', null],
  ])('A caller sets nothing of the server, nor what is not understood: %s', async (_what, body) => {
    const member = await signUp(api);
    const reply = await member.post('/agents', body);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    expect((await member.get('/agents')).body.data).toEqual([]);
  });

  it('An agent grants no more than it has', async () => {
    const member = await signUp(api);
    const writer = await registerAgent(api, member, ['agents:write', 'agents:read']);
    expect((await writer.post('/agents', { name: 'child', scopes: ['agents:read'] })).status).toBe(201);
    const wider = await writer.post('/agents', { name: 'wider', scopes: ['trust:write'] });
    expect([wider.status, wider.body.code]).toEqual([403, 'forbidden']);
    expect((await member.get('/agents?q=wider')).body.data).toEqual([]);
  });

  it('needs the scope agents:write', async () => {
    const member = await signUp(api);
    const reader = await registerAgent(api, member);
    const reply = await reader.post('/agents', { name: 'child' });
    expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
    expect(reply.headers.get('www-authenticate')).toContain('insufficient_scope');
  });

  it('A registration leaves a full entry', async () => {
    const member = await signUp(api);
    const headers = { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'a browser' };
    const reply = await member.send('POST', '/agents', { name: 'reader' }, headers);
    const rows = await api.sql('select * from audit_events where tenant_id = $1', [member.tenantId]);
    const { agentId, createdAt } = reply.body as { agentId: string; createdAt: string };
    expect(rows).toEqual([
      {
        tenant_id: member.tenantId,
        sequence: '1',
        event_id: expect.stringMatching(/^evt_[0-9a-z]{26}$/),
        occurred_at: new Date(createdAt),
        actor_kind: 'member',
        actor_id: member.userId,
        agent_id: agentId,
        action: 'agent.created',
        outcome: 'success',
        ip: '203.0.113.7',
        user_agent: 'a browser',
        request_id: reply.headers.get('x-request-id'),
        metadata: { name: 'reader', scopes: ['agents:read'], owner: member.userId },
        previous_hash: Buffer.alloc(32),
        hash: expect.any(Buffer),
      },
    ]);
  });

  it.each([
    ['its table is locked', 503, 'lock table audit_events'],
    ['the head of its chain is locked', 503, 'select 1 from audit_heads for update'],
    [
      'its table refuses it',
      500,
      'alter table audit_events add constraint broken check (false) not valid; commit',
    ],
  ])('An act without its entry does not happen: %s', async (_what, status, fault) => {
    const member = await signUp(api);
    const holder = new pg.Client(adminUrl(api.database));
    await holder.connect();
    await holder.query('begin');
    await holder.query(fault);
    const reply = await member.post('/agents', { name: 'reader' });
    await holder.query('rollback');
    await holder.query('alter table audit_events drop constraint if exists broken');
    await holder.end();
    expect(reply.status).toBe(status);
    expect(await api.sql('select id from agents where tenant_id = $1', [member.tenantId])).toEqual([]);
    expect((await member.post('/agents', { name: 'reader' })).status).toBe(201);
  });
});

describe('GET /agents', () => {
  it('A cursor misses and repeats no agent', async () => {
    const member = await signUp(api);
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
    const names = Array.from({ length: 45 }, (_, i) => `agent ${i}`);
    for (const name of names) await member.post('/agents', { name });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await member.get(`/agents?limit=20${cursor && `&cursor=${cursor}`}`);
      seen.push(...(body.data as { name: string }[]).map(({ name }) => name));
      cursor = body.nextCursor as string | null;
      await member.post('/agents', { name: `later ${seen.length}` });
    }
    expect(seen).toEqual([...names].reverse());
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense', 'tenantId=ten_x'])(
    'refuses ?%s with 400',
    async (query) => {
      const member = await signUp(api);
      expect((await member.get(`/agents?${query}`)).status).toBe(400);
    },
  );
});

describe('GET /agents/:agentId', () => {
  it('answers the agent', async () => {
    const member = await signUp(api);
    const { agentId } = await registerAgent(api, member);
    expect((await member.get(`/agents/${agentId}`)).body.agentId).toBe(agentId);
  });

  it('answers another tenant’s id like one that was never there', async () => {
    const [a, b] = [await signUp(api), await signUp(api)];
    const { agentId } = await registerAgent(api, a);
    const [foreign, unknown] = [
      await b.get(`/agents/${agentId}`),
      await b.get('/agents/agt_00000000000000000000000000'),
    ];
    const without = ({ requestId: _id, ...body }: Record<string, unknown>) => body;
    expect(foreign.status).toBe(404);
    expect(without(foreign.body)).toEqual(without(unknown.body));
    const secret = await b.post(`/agents/${agentId}/credentials`, {});
    expect([secret.status, without(secret.body)]).toEqual([404, without(unknown.body)]);
  });
});
