import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { ASSERTION_TYPE, addKey, signAssertion } from './support/assertions.ts';
import type { TestKey } from './support/assertions.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let second: TestApi;
let member: TestMember;
let other: TestAgent;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000' };
  api = await startApi({ env });
  second = await startApi({ database: api.database, env });
  member = await signUp(api);
  other = await registerAgent(api, member);
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const bySecret = ({ clientId: client_id, clientSecret: client_secret }: TestAgent) => ({
  client_id,
  client_secret,
});
const byKey = (key: TestKey, agent: TestAgent) => ({
  client_assertion_type: ASSERTION_TYPE,
  client_assertion: signAssertion(key, agent.agentId),
});

const send = (to: TestApi, path: string, token: string, proof: Record<string, string>): Promise<Reply> =>
  call(to, path, { method: 'POST', body: new URLSearchParams({ token, ...proof }) });

interface Subject {
  agent: TestAgent;
  key: TestKey;
}

/** What ends a client, and how it authenticates. */
const ends: Record<string, [(subject: Subject) => string, (subject: Subject) => Record<string, string>]> = {
  'a revoked secret': [
    ({ agent }) => `DELETE /agents/${agent.agentId}/credentials/${agent.credentialId}`,
    ({ agent }) => bySecret(agent),
  ],
  'a rotated secret': [
    ({ agent }) => `POST /agents/${agent.agentId}/credentials/${agent.credentialId}/rotate`,
    ({ agent }) => bySecret(agent),
  ],
  'a revoked key': [
    ({ agent, key }) => `DELETE /agents/${agent.agentId}/credentials/${key.credentialId}`,
    ({ agent, key }) => byKey(key, agent),
  ],
  'the secret of a suspended agent': [
    ({ agent }) => `POST /agents/${agent.agentId}/suspend`,
    ({ agent }) => bySecret(agent),
  ],
  'the key of a decommissioned agent': [
    ({ agent }) => `DELETE /agents/${agent.agentId}`,
    ({ agent, key }) => byKey(key, agent),
  ],
};

describe('A client that was ended reads and revokes no token', () => {
  it.each(Object.entries(ends))('%s', async (_what, [end, proof]) => {
    const agent = await registerAgent(api, member);
    const subject = { agent, key: await addKey(member, agent.agentId) };
    const token = await other.token();
    // Both processes have just accepted the client.
    for (const process of [api, second]) {
      const warm = await send(process, '/oauth2/introspect', token, proof(subject));
      expect([warm.status, warm.body.active]).toEqual([200, true]);
    }
    const [method, path] = end(subject).split(' ') as [string, string];
    expect((await member.send(method, path)).status).toBeLessThan(300);
    for (const process of [api, second]) {
      for (const endpoint of ['/oauth2/introspect', '/oauth2/revoke']) {
        const reply = await send(process, endpoint, token, proof(subject));
        expect([endpoint, reply.status, reply.body.error]).toEqual([endpoint, 401, 'invalid_client']);
      }
    }
  });

  it('An agent that is active again is accepted immediately', async () => {
    const agent = await registerAgent(api, member);
    const key = await addKey(member, agent.agentId);
    const token = await other.token();
    for (const action of ['suspend', 'reactivate'] as const) {
      expect((await send(second, '/oauth2/introspect', token, byKey(key, agent))).status).toBe(200);
      expect((await member.send('POST', `/agents/${agent.agentId}/${action}`)).status).toBe(200);
      if (action === 'suspend') {
        expect((await send(second, '/oauth2/introspect', token, byKey(key, agent))).status).toBe(401);
        await member.send('POST', `/agents/${agent.agentId}/reactivate`);
      }
    }
  });
});
