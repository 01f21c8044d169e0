import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import type { Scope } from '../src/platform/principal.ts';
import { registerAgent as registerByService } from '../src/services/agents/register-agent.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Json, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  member = await signUp(api);
});
afterAll(() => api.close());

describe('Callers of one tenant share no idempotency key', () => {
  const withKey = { 'idempotency-key': 'shared' };

  it('two agents and a member make three agents by one key, and each is answered its own again', async () => {
    const scopes = ['agents:read', 'agents:write'];
    const callers = [
      member,
      await registerAgent(api, member, scopes),
      await registerAgent(api, member, scopes),
    ];
    const body = { name: 'made by a key' };
    // A live name is unique in its tenant: each agent goes before the next caller makes its own.
    const made: string[] = [];
    for (const caller of callers) {
      const first = await caller.send('POST', '/agents', body, withKey);
      expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([201, null]);
      const again = await caller.send('POST', '/agents', body, withKey);
      expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
      made.push(first.body.agentId as string);
      expect((await member.send('DELETE', `/agents/${made.at(-1)}`)).status).toBe(204);
    }
    expect(new Set(made).size).toBe(3);
  });

  it('the secret that one agent was answered is not answered to another', async () => {
    const scopes = ['agents:read', 'agents:write'];
    const [one, other] = [await registerAgent(api, member, scopes), await registerAgent(api, member, scopes)];
    const path = `/agents/${(await registerAgent(api, member)).agentId}/credentials`;
    const mine = await one.send('POST', path, {}, withKey);
    const theirs = await other.send('POST', path, {}, withKey);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.clientSecret).not.toBe(mine.body.clientSecret);
  });
});

describe('A suspended actor ends what was exchanged', () => {
  const exchange = async (by: TestAgent, token: string): Promise<string> => {
    const { body, text } = await by.requestToken({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    if (!body.access_token) throw new Error(`no token: ${text}`);
    return body.access_token as string;
  };
  const use = async (token: string): Promise<number> => {
    await api.deps.tokenFeed.refresh();
    return (await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } })).status;
  };

  it.each([
    ['the subject', 0],
    ['the oldest of three actors', 1],
    ['the actor between', 2],
    ['the newest actor', 3],
  ])('%s', async (_who, place) => {
    const chain = await Promise.all(Array.from({ length: 4 }, () => registerAgent(api, member)));
    let token = await chain[0]!.token();
    const tokens = [token];
    for (const actor of chain.slice(1)) tokens.push((token = await exchange(actor, token)));
    expect(await Promise.all(tokens.map(use))).toEqual([200, 200, 200, 200]);
    expect((await member.post(`/agents/${chain[place]!.agentId}/suspend`, {})).status).toBe(200);
    // A token before the suspended agent had a part in it lives on.
    const expected = tokens.map((_, index) => (index < place ? 200 : 401));
    expect(await Promise.all(tokens.map(use))).toEqual(expected);
  });
});

it('A decommissioned agent is public no more', async () => {
  const made = await member.post('/agents', { name: 'public once', isPublic: true });
  const path = `/agents/${made.body.agentId as string}`;
  expect((await member.get(path)).body).toMatchObject({ isPublic: true, status: 'active' });
  await member.post(`${path}/suspend`, {});
  expect((await member.get(path)).body).toMatchObject({ isPublic: true, status: 'suspended' });
  expect((await member.send('DELETE', path)).status).toBe(204);
  const { body } = await member.get(path);
  expect(body).toMatchObject({ isPublic: false, status: 'decommissioned' });
  const listed = (await member.get('/agents?status=decommissioned&limit=100')).body.data as Json[];
  expect(listed.filter(({ isPublic }) => isPublic)).toEqual([]);
});

it('A suspended agent grants nothing, even where its token is not refused yet', async () => {
  const scopes: Scope[] = ['agents:read', 'agents:write'];
  const { agentId, credentialId } = await registerAgent(api, member, scopes);
  const own = { clientId: agentId, credentialId, generation: 0, actors: [], exchangedFrom: [] };
  const token = { jti: newId('evt'), ...own };
  const principal = { tenantId: member.tenantId, kind: 'agent', id: agentId, scopes, token } as const;
  const origin = { requestId: 'req_1', ip: '192.0.2.1', userAgent: null };
  const register = (name: string) => registerByService(api.deps, principal, { name }, origin);
  expect((await register('a child')).agent.scopes).toEqual(['agents:read']);
  await member.post(`/agents/${agentId}/suspend`, {});
  await expect(register('another')).rejects.toMatchObject({ code: 'forbidden' });
  await member.post(`/agents/${agentId}/reactivate`, {});
  expect((await register('another')).agent.status).toBe('active');
});
