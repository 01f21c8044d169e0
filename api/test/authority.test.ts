import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeJwt } from 'jose';
import { signAccessToken } from '../src/services/tokens/access-token.ts';
import type { AccessTokenClaims } from '../src/services/tokens/claims.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { operations, send } from './support/operations.ts';
import type { Operation } from './support/operations.ts';
import { until } from '../../dev/test/support/until.ts';

/** What the caller holds in full; narrowed, its token lacks the second row. */
const NARROW = ['agents:read', 'agents:write', 'billing:write'];
const SCOPES = [...NARROW, 'trust:write'];
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  member = await signUp(api);
});
afterAll(() => api.close());

const bearer = (token: unknown) => ({ authorization: `Bearer ${String(token)}` });
const use = (token: string) => call(api, '/agents', { headers: bearer(token) });

const exchange = async (actor: TestAgent, token: string): Promise<string> => {
  const form = { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN };
  return (await actor.requestToken(form)).body.access_token as string;
};

interface Caller {
  agent: TestAgent;
  token: string;
}

const credentialOf = ({ agentId, credentialId }: TestAgent) =>
  `/agents/${agentId}/credentials/${credentialId}`;
const revoke = (agent: TestAgent) => member.send('DELETE', credentialOf(agent));
const rotate = (agent: TestAgent, overlapSeconds = 0) =>
  member.send('POST', `${credentialOf(agent)}/rotate`, { overlapSeconds });
const expire = ({ credentialId }: TestAgent) =>
  api.sql(`update credentials set expires_at = now() - interval '1 second' where id = $1`, [credentialId]);
const hasEnded = (token: string) =>
  until('the token is refused', async () => (await use(token)).status === 401);

/** The token that another agent, which holds as much, has exchanged the agent's own for, before that was done to it. */
const exchangedBefore =
  (happens: (agent: TestAgent) => Promise<unknown>) =>
  async (agent: TestAgent): Promise<string> => {
    const token = await exchange(await registerAgent(api, member, SCOPES), await agent.token());
    await happens(agent);
    return token;
  };

/** Each way to come to a token of the same agent. */
const callers: Readonly<Record<string, (agent: TestAgent) => Promise<string>>> = {
  'its own token': (agent) => agent.token(),
  'its own token, narrowed': async (agent) =>
    (await agent.requestToken({ scope: NARROW.join(' ') })).body.access_token as string,
  'a token exchanged by an equal': async (agent) =>
    exchange(await registerAgent(api, member, SCOPES), await agent.token()),
  'a token exchanged by who only writes agents': async (agent) =>
    exchange(await registerAgent(api, member, NARROW), await agent.token()),
  'a token of a revoked credential': async (agent) => {
    const token = await agent.token();
    await revoke(agent);
    await hasEnded(token);
    return token;
  },
  'a token of a secret in its overlap': async (agent) => {
    const token = await agent.token();
    await rotate(agent, 3_600);
    return token;
  },
  'a token of a replaced secret': async (agent) => {
    const token = await agent.token();
    await rotate(agent);
    return token;
  },
  'a token of an expired credential': async (agent) => {
    const token = await agent.token();
    await expire(agent);
    return token;
  },
  'a token exchanged from one of a revoked credential': async (agent) => {
    const token = await exchangedBefore(revoke)(agent);
    await hasEnded(token);
    return token;
  },
  'a token exchanged from one of a secret in its overlap': exchangedBefore((agent) => rotate(agent, 3_600)),
  'a token exchanged from one of a replaced secret': exchangedBefore(rotate),
  'a token exchanged from one of an expired credential': exchangedBefore(expire),
};

/** What each of the callers is answered, in their order. */
const GRANTS = [2, 403, 2, 403, 401, 2, 403, 403, 401, 2, 403, 403];
const KEYS = [2, 403, 403, 403, 401, 403, 403, 403, 401, 403, 403, 403];
/** Yields nobody anything and takes nothing from a stronger one: its scope is enough, while its credentials work. */
const FREE = [2, 2, 2, 2, 401, 2, 403, 403, 401, 2, 403, 403];

interface Case {
  operation: string;
  what: string;
  answers: number[];
  body?: () => Json;
  /** What the operation is done to; the caller itself where it says so. */
  parameters?: (caller: Caller) => Promise<Record<string, string>>;
}

const strong = () => registerAgent(api, member, ['agents:read', 'trust:write']);
const onStrong = async () => {
  const { agentId, credentialId } = await strong();
  return { agentId, credentialId };
};
const onWeak = async () => ({ agentId: (await registerAgent(api, member, ['agents:read'])).agentId });
const onSuspended = async () => {
  const target = await onStrong();
  await member.send('POST', `/agents/${target.agentId}/suspend`);
  return target;
};
const onOverlap = async () => {
  const target = await strong();
  await rotate(target, 3_600);
  const { agentId, credentialId } = target;
  return { agentId, credentialId };
};
/** A credential of the caller's own beside the one that its token came from. */
const onItself = async ({ agent }: Caller) => {
  const { body } = await member.post(`/agents/${agent.agentId}/credentials`, {});
  return { agentId: agent.agentId, credentialId: body.credentialId as string };
};
let count = 0;

const cases: Case[] = [
  {
    operation: 'registerAgent',
    what: 'with a scope that the narrowed lack',
    answers: GRANTS,
    body: () => ({ name: `made ${++count}`, scopes: ['trust:write'] }),
  },
  {
    operation: 'updateAgent',
    what: 'to grant a scope',
    answers: GRANTS,
    body: () => ({ scopes: ['agents:read', 'trust:write'] }),
    parameters: onWeak,
  },
  {
    operation: 'updateAgent',
    what: 'to describe itself',
    answers: GRANTS,
    body: () => ({ description: 'ours' }),
    parameters: onItself,
  },
  {
    operation: 'updateAgent',
    what: 'to strip a scope',
    answers: GRANTS,
    body: () => ({ scopes: ['agents:read'] }),
    parameters: onStrong,
  },
  { operation: 'suspendAgent', what: 'a stronger one', answers: GRANTS, parameters: onStrong },
  { operation: 'reactivateAgent', what: 'a stronger one', answers: GRANTS, parameters: onSuspended },
  { operation: 'decommissionAgent', what: 'a stronger one', answers: GRANTS, parameters: onStrong },
  { operation: 'revokeCredential', what: 'of a stronger one', answers: GRANTS, parameters: onStrong },
  { operation: 'endCredentialOverlap', what: 'of a stronger one', answers: GRANTS, parameters: onOverlap },
  { operation: 'createCredential', what: 'for a stronger one', answers: KEYS, parameters: onStrong },
  { operation: 'createCredential', what: 'for itself', answers: KEYS, parameters: onItself },
  { operation: 'rotateCredential', what: 'of a stronger one', answers: KEYS, parameters: onStrong },
  { operation: 'rotateCredential', what: 'of itself', answers: KEYS, parameters: onItself },
  {
    operation: 'addKey',
    what: 'to a stronger one',
    answers: KEYS,
    body: () => ({ publicKey: newKeyPair().publicJwk }),
    parameters: onStrong,
  },
  {
    operation: 'addKey',
    what: 'to itself',
    answers: KEYS,
    body: () => ({ publicKey: newKeyPair().publicJwk }),
    parameters: onItself,
  },
  {
    operation: 'createResource',
    what: 'of its tenant',
    answers: FREE,
    body: () => ({ identifier: `https://made-${++count}.example`, scopes: ['read'] }),
  },
  {
    operation: 'deleteResource',
    what: 'of its tenant',
    answers: FREE,
    parameters: async () => {
      const body = { identifier: `https://gone-${++count}.example`, scopes: ['read'] };
      return { resourceId: (await member.post('/resources', body)).body.resourceId as string };
    },
  },
];

/** Make, replace, grant and delegate nothing. */
const YIELDS_NOTHING = ['startCheckout', 'cancelSubscription', 'resumeSubscription', 'openPortal'];

const changing = operations.filter(({ isPublic, method }) => !isPublic && method !== 'GET');
const operationOf = (id: string): Operation => changing.find((operation) => operation.id === id)!;

/** What somebody could get at: agents, and what they prove themselves with. */
const worth = () =>
  api.sql(
    `select a.id, a.status, a.scopes, c.id as credential, c.generation, c.previous_until, c.revoked_at
     from agents a left join credentials c on c.agent_id = a.id where a.tenant_id = $1 order by a.id, c.id`,
    [member.tenantId],
  );
const newestEntry = async (): Promise<Json> =>
  (
    await api.sql(
      `select actor_id, metadata -> 'token' as token from audit_events where tenant_id = $1
       order by sequence desc limit 1`,
      [member.tenantId],
    )
  )[0]!;

it('every operation that changes something is judged', () => {
  const judged = new Set([...cases.map(({ operation }) => operation), ...YIELDS_NOTHING]);
  expect([...judged].sort()).toEqual(changing.map(({ id }) => id).sort());
});

/** The actors of a token, the newest first. */
const chainOf = (act: unknown): string[] => {
  const { sub, act: next } = (act ?? {}) as { sub?: string; act?: unknown };
  return sub === undefined ? [] : [sub, ...chainOf(next)];
};

describe.each(Object.entries(callers).map(([name, come], place) => ({ name, come, place })))(
  'with $name',
  ({ come, place }) => {
    const each = cases.map((one) => [`${one.operation} ${one.what}`, one.answers[place]!, one] as const);

    it.each(each)('No request yields more than came with it: %s → %d', async (_title, expected, one) => {
      const agent = await registerAgent(api, member, SCOPES);
      const caller = { agent, token: '' };
      const parameters = (await one.parameters?.(caller)) ?? {};
      caller.token = await come(agent);
      const before = await worth();
      const reply: Reply = await send(api, operationOf(one.operation), {
        headers: bearer(caller.token),
        parameters,
        body: one.body?.() ?? {},
      });
      if (expected !== 2) {
        expect([reply.status, reply.text]).toEqual([expected, reply.text]);
        expect(await worth()).toEqual(before);
        return;
      }
      expect([Math.floor(reply.status / 100), reply.text]).toEqual([2, reply.text]);
      const {
        jti,
        sub,
        client_id: clientId,
        act,
      } = decodeJwt<{ client_id: string; act?: unknown }>(caller.token);
      expect(await newestEntry()).toMatchObject({
        actor_id: clientId,
        token: { jti, clientId, subject: sub, actors: chainOf(act) },
      });
    });
  },
);

describe('a token exchange', () => {
  it.each(Object.entries(callers))('An exchange yields no more than it was given: %s', async (name, come) => {
    const agent = await registerAgent(api, member, SCOPES);
    const actor = await registerAgent(api, member, [...SCOPES, 'audit:read']);
    const token = await come(agent);
    const form = { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN };
    const reply = await actor.requestToken(form);
    if (name.includes('revoked')) {
      expect([reply.status, reply.body.error]).toEqual([400, 'invalid_request']);
      return;
    }
    const [given, made] = [token, reply.body.access_token as string].map((text) =>
      decodeJwt<{ scope: string; exp: number }>(text),
    );
    expect(made!.scope).toBe(given!.scope);
    expect(made!.exp).toBeLessThanOrEqual(given!.exp);
    const wider = await actor.requestToken({ ...form, scope: `${given!.scope} audit:read` });
    expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope']);
  });
});

describe('an act of an exchanged token', () => {
  /** Three agents, and the token of which the last acts for the others. */
  const line = async () => {
    const agents = await Promise.all([1, 2, 3].map(() => registerAgent(api, member, SCOPES)));
    let token = await agents[0]!.token();
    for (const agent of agents.slice(1)) token = await exchange(agent, token);
    return { agents, token };
  };
  const make = (token: string) =>
    call(api, '/agents', {
      method: 'POST',
      headers: { ...bearer(token), 'content-type': 'application/json' },
      body: JSON.stringify({ name: `made ${++count}` }),
    });

  it.each(
    [0, 1, 2].flatMap((link) => [
      [link, 'expires', expire] as const,
      [link, 'has its secret replaced', rotate] as const,
    ]),
  )(
    'An exchange may do no more than its subject: credential %d of the line %s',
    async (link, _what, happens) => {
      const { agents, token } = await line();
      expect((await make(token)).status).toBe(201);
      await happens(agents[link]!);
      expect((await make(token)).status).toBe(403);
      const again = await exchange(await registerAgent(api, member, SCOPES), token);
      expect([(await use(again)).status, (await make(again)).status]).toEqual([200, 403]);
    },
  );

  it('A token that does not tell the secrets of its line changes nothing', async () => {
    const { token } = await line();
    const claims = decodeJwt<AccessTokenClaims>(token);
    const [newer, oldest] = claims.exchanged_from!;
    const { credential_generation: _, ...untold } = oldest!;
    for (const exchanged_from of [[newer!, untold], [newer!], undefined]) {
      const older = signAccessToken(api.deps.signingKeys, { ...claims, exchanged_from });
      expect([(await use(older)).status, (await make(older)).status]).toEqual([200, 403]);
    }
  });

  it('Nothing is made by an exchange after a credential behind it is revoked', async () => {
    // Without the notice the token is accepted for up to half a second more: its rows alone decide.
    await api.sql('alter table revoked_credentials disable trigger notify_token_feed');
    try {
      for (let round = 0; round < 4; round++) {
        const { agents, token } = await line();
        const [agent] = agents;
        const acts = [make(token), make(token), revoke(agent!), make(token)];
        await Promise.all(acts);
        for (let i = 0; i < 3; i++) expect([401, 403]).toContain((await make(token)).status);
        const log = await api.sql(
          `select action, metadata ->> 'credentialId' as credential, actor_id as actor from audit_events
           where tenant_id = $1 and action in ('credential.revoked', 'agent.created') order by sequence`,
          [member.tenantId],
        );
        const revoked = log.findIndex(({ credential }) => credential === agent!.credentialId);
        expect(revoked).toBeGreaterThan(0);
        expect(log.slice(revoked).filter(({ actor }) => actor === agents.at(-1)!.agentId)).toEqual([]);
      }
    } finally {
      await api.sql('alter table revoked_credentials enable trigger notify_token_feed');
    }
  });

  it('An act is told with everyone who stands behind it', async () => {
    const { agents, token } = await line();
    const [first, second, third] = agents;
    expect((await make(token)).status).toBe(201);
    expect(await newestEntry()).toEqual({
      actor_id: third!.agentId,
      token: {
        jti: decodeJwt(token).jti,
        clientId: third!.agentId,
        credentialId: third!.credentialId,
        subject: first!.agentId,
        actors: [third!.agentId, second!.agentId],
      },
    });
  });
});

describe('an agent that keeps its own rows busy', () => {
  it('An owner ends a busy agent’s credential and the agent at the first try', async () => {
    const stronger = await registerAgent(api, member, SCOPES);
    for (const end of ['credential', 'agent'] as const) {
      const agent = await registerAgent(api, member, NARROW);
      const headers = bearer(await agent.token());
      const busy = Array.from({ length: 24 }, () =>
        call(api, `/agents/${stronger.agentId}/suspend`, { method: 'POST', headers }),
      );
      const path = `/agents/${agent.agentId}`;
      const ended = await member.send(
        'DELETE',
        end === 'agent' ? path : `${path}/credentials/${agent.credentialId}`,
      );
      expect(ended.status).toBe(204);
      // 503: it has waited for longer than a statement may last.
      for (const { status } of await Promise.all(busy)) expect([401, 403, 503]).toContain(status);
    }
  });

  it('Agents that act on each other at once do not wait for each other', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = await Promise.all([1, 2].map(() => registerAgent(api, member, SCOPES)));
      const acts = await Promise.all(
        [
          [one!, other!],
          [other!, one!],
        ].flatMap(([by, on]) => [
          by!.send('PATCH', `/agents/${on!.agentId}`, { description: 'a' }),
          by!.post(`/agents/${on!.agentId}/credentials`, {}),
        ]),
      );
      expect(acts.map(({ status }) => status).sort()).toEqual([200, 200, 201, 201]);
    }
  });
});

describe('a stolen credential', () => {
  it('Nothing is made with a credential after its revocation', async () => {
    for (let round = 0; round < 10; round++) {
      const agent = await registerAgent(api, member, SCOPES);
      const headers = { ...bearer(await agent.token()), 'content-type': 'application/json' };
      const path = `/agents/${agent.agentId}/credentials`;
      const make = () => call(api, path, { method: 'POST', headers, body: '{}' });
      expect((await make()).status).toBe(201);
      await Promise.all([
        ...[make(), make(), make()],
        member.send('DELETE', `${path}/${agent.credentialId}`),
        ...[make(), make(), make()],
      ]);
      const log = await api.sql(
        `select action, actor_kind from audit_events where tenant_id = $1 and agent_id = $2 order by sequence`,
        [member.tenantId, agent.agentId],
      );
      const revoked = log.findIndex(({ action }) => action === 'credential.revoked');
      expect(revoked).toBeGreaterThan(0);
      const later = log.slice(revoked).filter(({ actor_kind: kind }) => kind === 'agent');
      expect(later.filter(({ action }) => action === 'credential.generated')).toEqual([]);
    }
  });
});
