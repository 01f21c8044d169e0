import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Json } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000' };
  api = await startApi({ env });
  second = await startApi({ env, database: api.database });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const jtiOf = (token: unknown): string =>
  (JSON.parse(Buffer.from(String(token).split('.')[1]!, 'base64url').toString()) as { jti: string }).jti;

describe('a suspended agent', () => {
  it.each(['suspend', 'decommission', 'revoke', 'rotate'] as const)(
    'A suspended agent gets no token, nor one that is otherwise ended: %s',
    async (how) => {
      const member = await signUp(api);
      const agent = await registerAgent(api, member);
      const path = `/agents/${agent.agentId}`;
      const credential = `${path}/credentials/${agent.credentialId}`;
      const act = {
        suspend: () => member.send('POST', `${path}/suspend`),
        decommission: () => member.send('DELETE', path),
        revoke: () => member.send('DELETE', credential),
        rotate: () => member.send('POST', `${credential}/rotate`, {}),
      }[how];
      const issued: string[] = [];
      let isAnswered = false;
      let late = 0;
      const client = async (process: TestApi): Promise<void> => {
        for (;;) {
          const sentAfter = isAnswered;
          const reply = await agent.requestToken({}, process);
          if (reply.status === 200 && sentAfter) late += 1;
          if (reply.status === 200) issued.push(jtiOf(reply.body.access_token));
          else return expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
        }
      };
      const clients = Array.from({ length: 12 }, (_, i) => client(i % 2 ? api : second));
      await until('tokens are issued', () => issued.length >= 40);
      const reply = await act();
      isAnswered = true;
      expect(reply.status).toBeLessThan(300);
      await Promise.all(clients);
      expect(late).toBe(0);

      const log = await api.sql(
        `select action, event_id from audit_events where tenant_id = $1 and outcome = 'success' order by sequence`,
        [member.tenantId],
      );
      const end = log.findIndex(({ action }) =>
        /suspended|decommissioned|revoked|rotated/.test(action as string),
      );
      expect(end).toBeGreaterThan(0);
      expect(log.slice(end + 1)).toEqual([]);
      expect(log.map(({ event_id: id }) => id)).toEqual(expect.arrayContaining(issued));
    },
  );

  it('A reactivated agent works again at once', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    for (let i = 0; i < 3; i++) {
      expect((await agent.requestToken()).status).toBe(200);
      const suspended = await member.send('POST', `/agents/${agent.agentId}/suspend`);
      expect([suspended.status, suspended.body.status]).toEqual([200, 'suspended']);
      expect((await agent.requestToken()).status).toBe(401);
      const active = await member.send('POST', `/agents/${agent.agentId}/reactivate`);
      expect([active.status, active.body.status]).toEqual([200, 'active']);
      expect((await agent.requestToken({}, i % 2 ? api : second)).status).toBe(200);
    }
  });

  it('grants nothing and rotates nothing with a token that it still has', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
    await agent.get('/agents');
    await member.send('POST', `/agents/${agent.agentId}/suspend`);
    const rotate = `/agents/${agent.agentId}/credentials/${agent.credentialId}/rotate`;
    for (const [path, body] of [
      ['/agents', { name: 'child' }],
      [rotate, {}],
    ] as const) {
      // By whichever check comes first: its token's, or the registry's.
      expect([401, 403]).toContain((await agent.post(path, body)).status);
    }
  });
});

describe('a decommissioned agent', () => {
  it('A decommissioned agent never returns', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const path = `/agents/${agent.agentId}`;
    expect((await member.send('DELETE', path)).status).toBe(204);
    const replies = [
      await member.send('POST', `${path}/reactivate`),
      await member.send('POST', `${path}/suspend`),
      await member.send('PATCH', path, { description: 'again' }),
      await member.post(`${path}/credentials`, {}),
      await member.post(`${path}/credentials/${agent.credentialId}/rotate`, {}),
    ];
    for (const reply of replies) {
      expect([reply.status, reply.body.code]).toEqual([409, 'agent_decommissioned']);
    }
    expect((await agent.requestToken()).status).toBe(401);
    const read = await member.get(path);
    expect(read.body).toMatchObject({ status: 'decommissioned', decommissionedAt: expect.any(String) });
    const credentials = (await member.get(`${path}/credentials`)).body.data as Json[];
    expect(credentials.map(({ revokedAt }) => revokedAt)).toEqual([read.body.decommissionedAt]);
    const log = await api.sql(
      `select action from audit_events where agent_id = $1 and outcome = 'success' order by sequence`,
      [agent.agentId],
    );
    expect(log.at(-1)).toEqual({ action: 'agent.decommissioned' });
  });

  it('A decommissioned agent frees its name, and its place under the limit', async () => {
    const member = await signUp(api);
    const ids: unknown[] = [];
    for (let i = 0; i < 10; i++) ids.push((await member.post('/agents', { name: `a${i}` })).body.agentId);
    expect((await member.post('/agents', { name: 'a0' })).status).toBe(429);
    await member.send('DELETE', `/agents/${String(ids[0])}`);
    const again = await member.post('/agents', { name: 'a0' });
    expect(again.status).toBe(201);
    expect(ids).not.toContain(again.body.agentId);
  });
});

describe('the audit log', () => {
  it('A life leaves its trace', async () => {
    const member = await signUp(api);
    const { agentId, credentialId } = await registerAgent(api, member);
    const path = `/agents/${agentId}`;
    const credential = `${path}/credentials/${credentialId}`;
    const twice = async (method: string, address: string, body?: unknown): Promise<void> => {
      await member.send(method, address, body);
      await member.send(method, address, body);
    };
    await member.send('PATCH', path, { description: 'Secretive', email: 'a@example.com' });
    await member.send('PATCH', path, { version: '2.0.0' }, { 'if-match': '"1"' });
    const before = await member.get(path);
    const same = await member.send('PATCH', path, {
      description: 'Secretive',
      scopes: ['agents:read'],
      resourceGrants: [],
    });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([
      200,
      before.text,
      before.headers.get('etag'),
    ]);
    await twice('POST', `${path}/suspend`);
    await twice('POST', `${path}/reactivate`);
    await member.send('POST', `${credential}/rotate`, { overlapSeconds: 60 });
    await twice('DELETE', `${credential}/previous`);
    await twice('DELETE', credential);
    await member.send('POST', `${credential}/rotate`, {});
    const { body } = await member.post(`${path}/credentials`, {});
    await twice('DELETE', path);
    const log = await api.sql(
      `select action, actor_id, agent_id, outcome, metadata from audit_events where tenant_id = $1 order by sequence`,
      [member.tenantId],
    );
    expect(log.map(({ action, metadata }) => [action, metadata])).toEqual([
      ['agent.created', expect.objectContaining({ owner: member.userId, scopes: ['agents:read'] })],
      ['credential.generated', { credentialId }],
      ['agent.updated', { changed: ['description', 'email'] }],
      ['agent.suspended', {}],
      ['agent.reactivated', {}],
      ['credential.rotated', { credentialId, overlapSeconds: 60 }],
      ['credential.revoked', { credentialId, secret: 'previous' }],
      ['credential.revoked', { credentialId }],
      ['credential.generated', { credentialId: body.credentialId }],
      ['agent.decommissioned', { credentialIds: [body.credentialId] }],
    ]);
    for (const entry of log) {
      expect(entry).toMatchObject({ actor_id: member.userId, agent_id: agentId, outcome: 'success' });
    }
  });

  it('refuses the act that it cannot tell', async () => {
    const member = await signUp(api);
    const { agentId, credentialId } = await registerAgent(api, member);
    const path = `/agents/${agentId}`;
    const before = [(await member.get(path)).text, (await member.get(`${path}/credentials`)).text];
    await api.sql(`alter table audit_events add constraint broken check (false) not valid`);
    const replies = [
      await member.send('PATCH', path, { version: '2.0.0' }),
      await member.send('POST', `${path}/suspend`),
      await member.send('POST', `${path}/credentials/${credentialId}/rotate`, {}),
      await member.send('DELETE', `${path}/credentials/${credentialId}`),
      await member.send('DELETE', path),
    ];
    await api.sql('alter table audit_events drop constraint broken');
    expect(replies.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500]);
    expect([(await member.get(path)).text, (await member.get(`${path}/credentials`)).text]).toEqual(before);
  });
});

it('A token from before is not revived by a reactivation, however far a clock is ahead', async () => {
  const ahead = await startApi({
    env: { RATE_LIMIT_MAX_REQUESTS: '1000000' },
    database: api.database,
    clock: () => new Date(Date.now() + 3_000),
  });
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  const token = (await agent.requestToken({}, ahead)).body.access_token as string;
  const use = async (process: TestApi) =>
    (await call(process, '/agents', { headers: { authorization: `Bearer ${token}` } })).status;
  expect([await use(api), await use(ahead)]).toEqual([200, 200]);
  await member.send('POST', `/agents/${agent.agentId}/suspend`);
  await member.send('POST', `/agents/${agent.agentId}/reactivate`);
  for (const process of [api, ahead])
    await until('the token is refused', async () => (await use(process)) === 401);
  await ahead.close();
});

it('A change that ends tokens is dated after the one before, though no entry tells of that', async () => {
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  const [before] = await api.sql(
    `update agents set updated_at = now() + interval '2 seconds' where id = $1 returning updated_at`,
    [agent.agentId],
  );
  expect((await member.send('POST', `/agents/${agent.agentId}/suspend`)).status).toBe(200);
  const [after] = await api.sql('select updated_at from agents where id = $1', [agent.agentId]);
  expect((after!.updated_at as Date).getTime()).toBeGreaterThan((before!.updated_at as Date).getTime());
});

it('A date that a wrong clock has left makes no later one wrong', async () => {
  const member = await signUp(api);
  const agent = await registerAgent(api, member);
  await api.sql(`update agents set updated_at = now() + interval '1 hour' where id = $1`, [agent.agentId]);
  expect((await member.send('POST', `/agents/${agent.agentId}/suspend`)).status).toBe(200);
  const [row] = await api.sql(
    `select updated_at < now() + interval '30 minutes' as "isNear" from agents where id = $1`,
    [agent.agentId],
  );
  expect(row).toEqual({ isNear: true });
});
