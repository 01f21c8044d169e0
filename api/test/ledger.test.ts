import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { appendAudit } from '../src/services/audit/append-audit.ts';
import { toParts } from '../src/services/audit/chain.ts';
import { succeeded, type AuditEntry } from '../src/services/audit/entry.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { adminUrl, appUrl } from './support/servers.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent } from './support/callers.ts';
import { startProxy } from './support/proxy.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
});
afterAll(() => api.close());

interface Entry {
  sequence: number;
  event_id: string;
  previous_hash: Buffer;
  hash: Buffer;
  [column: string]: unknown;
}

/** RFC 8785 for what an entry holds, written apart from the library that the API uses. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
};

const chainOf = async (tenantId: string): Promise<Entry[]> =>
  (await api.sql('select * from audit_events where tenant_id = $1 order by sequence', [tenantId])) as Entry[];

/** Throws at the first entry that does not follow from the one before. */
const verify = (entries: Entry[]): void => {
  let previous: Buffer = Buffer.alloc(32);
  for (const [index, entry] of entries.entries()) {
    const { hash, previous_hash: link, sequence, occurred_at: at, ...columns } = entry;
    expect(Number(sequence)).toBe(index + 1);
    expect(link.equals(previous)).toBe(true);
    const text = canonical({
      ...columns,
      sequence: Number(sequence),
      occurred_at: (at as Date).toISOString(),
      previous_hash: `\\x${previous.toString('hex')}`,
    });
    expect(createHash('sha256').update(text).digest().equals(hash)).toBe(true);
    previous = hash;
  }
};

const jtiOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string }).jti;

const entryOf = ({ tenantId }: { tenantId: string }, { agentId }: { agentId: string }): AuditEntry =>
  succeeded(
    {
      actor: { tenantId, kind: 'agent', id: agentId },
      origin: { ip: null, userAgent: null, requestId: newId('req') },
      at: new Date(),
    },
    { action: 'token.issued', agentId, metadata: {} },
  );

describe('the grouped commit', () => {
  it('keeps one dense chain per tenant while many tenants and two writers go at once', async () => {
    const second = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' }, database: api.database });
    const members = await Promise.all([signUp(api), signUp(api), signUp(api)]);
    const agents = await Promise.all(members.map((member) => registerAgent(api, member)));
    // A head that is busy for a second is answered 503, which a busy machine brings about.
    const issue = async (agent: TestAgent, process: TestApi): Promise<Reply> => {
      const reply = await agent.requestToken({}, process);
      return reply.status === 503 ? issue(agent, process) : reply;
    };
    const replies = await Promise.all(
      Array.from({ length: 150 }, async (_, i) => {
        const agent = agents[i % agents.length]!;
        if (i % 15 === 0) await members[i % members.length]!.post(`/agents/${agent.agentId}/credentials`, {});
        return issue(agent, i % 2 ? second : api);
      }),
    );
    expect(replies.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
    for (const [i, member] of members.entries()) {
      const entries = await chainOf(member.tenantId);
      verify(entries);
      const issued = entries.filter(({ action }) => action === 'token.issued');
      expect(issued).toHaveLength(50);
      expect(entries.every(({ agent_id: id }) => id === agents[i]!.agentId)).toBe(true);
    }
    await second.close();
  });

  it('answers only tokens whose entry is committed: each jti is in the log', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const tokens = await Promise.all(Array.from({ length: 20 }, () => agent.token()));
    const ids = tokens.map(jtiOf);
    const logged = (await chainOf(member.tenantId)).map(({ event_id: id }) => id);
    expect(logged).toEqual(expect.arrayContaining(ids));
  });

  it('An unrecorded token is not issued', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    await api.sql(
      `alter table audit_events add constraint broken check (action <> 'token.issued') not valid`,
    );
    const reply = await agent.requestToken();
    await api.sql('alter table audit_events drop constraint broken');
    expect([reply.status, reply.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(await api.sql(`select 1 from usage_events where tenant_id = $1`, [member.tenantId])).toEqual([]);
    expect((await agent.requestToken()).status).toBe(200);
  });

  it('answers what the caller made during the commit, but nothing if refused, and tells a failure of it to this caller alone', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const done: string[] = [];
    const record = (name: string, generation: number, fails = false) =>
      api.deps.ledger
        .record(entryOf(member, agent), { credentialId: agent.credentialId, generation }, () => {
          done.push(name);
          if (fails) throw new Error(name);
          return `made by ${name}`;
        })
        .catch((error: Error) => error.message);
    const answers = await Promise.all([record('a', 0), record('b', 7), record('c', 0, true), record('d', 0)]);
    expect(answers).toEqual([
      { outcome: 'committed', made: 'made by a' },
      { outcome: 'not_live' },
      'c',
      { outcome: 'committed', made: 'made by d' },
    ]);
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    verify(await chainOf(member.tenantId));
  });

  it('answers all of more requests than fit in one commit', async () => {
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const proof = { credentialId: agent.credentialId, generation: 0 };
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => api.deps.ledger.record(entryOf(member, agent), proof, () => i)),
    );
    expect(answers).toEqual(answers.map((_, i) => ({ outcome: 'committed', made: i })));
    const entries = await chainOf(member.tenantId);
    verify(entries);
    expect(entries.filter(({ action }) => action === 'token.issued')).toHaveLength(300);
  });

  it('A rolled back act leaves no gap', async () => {
    const member = await signUp(api);
    const { agentId } = await registerAgent(api, member);
    const before = await chainOf(member.tenantId);
    const act = {
      actor: { tenantId: member.tenantId, kind: 'member' as const, id: member.userId },
      origin: { ip: null, userAgent: null, requestId: newId('req') },
      at: new Date(),
    };
    const failing = api.deps.db.withTenant(member.tenantId, async (trx) => {
      await appendAudit(trx, succeeded(act, { action: 'agent.updated', agentId, metadata: {} }));
      const [row] = await trx('audit_events').count({ entries: '*' });
      expect(Number(row!.entries)).toBe(before.length + 1);
      throw new Error('the act fails');
    });
    await expect(failing).rejects.toThrow('the act fails');
    expect(await chainOf(member.tenantId)).toEqual(before);
    await member.post('/agents', { name: 'the next' });
    const after = await chainOf(member.tenantId);
    verify(after);
    expect(after.map(({ action }) => action)).toEqual([
      'agent.created',
      'credential.generated',
      'agent.created',
    ]);
  });

  it('lets nobody wait behind a tenant whose head is busy, and tells that tenant 503 after a second', async () => {
    const [busy, free] = await Promise.all([signUp(api), signUp(api)]);
    const [blocked, open] = [await registerAgent(api, busy), await registerAgent(api, free)];
    const holder = new pg.Client(adminUrl(api.database));
    await holder.connect();
    await holder.query('begin');
    await holder.query('select 1 from audit_heads where tenant_id = $1 for update', [busy.tenantId]);
    const order: string[] = [];
    const [refused, served] = await Promise.all([
      blocked.requestToken().finally(() => order.push('blocked')),
      open.requestToken().finally(() => order.push('open')),
    ]);
    expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable']);
    expect([served.status, order]).toEqual([200, ['open', 'blocked']]);
    await holder.query('rollback');
    await holder.end();
    expect((await blocked.requestToken()).status).toBe(200);
  });

  it('A commit without a response issues no token and writes its entry once', async () => {
    const proxy = await startProxy(appUrl(api.database));
    const far = await startApi({ env: { APP_DATABASE_URL: proxy.url }, database: api.database });
    const member = await signUp(api);
    const agent = await registerAgent(api, member);
    const issued = async () =>
      (await chainOf(member.tenantId)).filter(({ action }) => action === 'token.issued');
    const holder = new pg.Client(adminUrl(api.database));
    await holder.connect();
    await holder.query('begin; lock table agent_usage in share mode');
    const request = agent.requestToken({}, far);
    const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await until('the commit waits', async () => (await api.sql(waits)).length === 1);
    await proxy.cut();
    const reply = await request;
    expect([reply.status, reply.body.error]).toEqual([503, 'temporarily_unavailable']);
    await holder.query('rollback');
    await holder.end();
    await until('Postgres has committed', async () => (await issued()).length === 1);
    await proxy.mend();
    await until('a token is issued', async () => (await agent.requestToken({}, far)).status === 200);
    expect(await issued()).toHaveLength(2);
    verify(await chainOf(member.tenantId));
    const counted = `select count::int from usage_events where tenant_id = $1 and metric = 'token_issuances'`;
    expect(await api.sql(counted, [member.tenantId])).toEqual([{ count: 2 }]);
    await far.close();
    await proxy.close();
  });
});

describe('The entry of a token is written for the client of its proof alone', () => {
  const prepare = async () => {
    const [own, foreign] = await Promise.all([signUp(api), signUp(api)]);
    const [agent, other, stranger] = [
      await registerAgent(api, own),
      await registerAgent(api, own, ['audit:read']),
      await registerAgent(api, foreign),
    ];
    const proof = {
      tenant_id: own.tenantId,
      agent_id: agent.agentId,
      credential_id: agent.credentialId,
      generation: 0,
      for_agents: [] as string[],
      scopes: ['agents:read'],
    };
    return { own, foreign, agent, other, stranger, proof };
  };
  type Prepared = Awaited<ReturnType<typeof prepare>>;
  const record = (proof: unknown, parts: readonly string[]) =>
    api.deps.db.runAlone({
      name: 'record_tokens',
      text: 'select entry, answer from record_tokens($1, $2, $3)',
      values: [JSON.stringify([proof]), ['1', ...parts].join('\t'), null],
    });
  const logs = ({ own, foreign }: Prepared) =>
    Promise.all([own, foreign].map((one) => chainOf(one.tenantId)));

  it.each<[what: string, forge: (given: Prepared) => string[]]>([
    ['of another tenant', ({ foreign, agent }) => toParts(entryOf(foreign, agent))],
    ['of another tenant and its agent', ({ foreign, stranger }) => toParts(entryOf(foreign, stranger))],
    ['of another agent', ({ own, other }) => toParts(entryOf(own, other))],
    [
      'that says its tenant twice',
      ({ own, foreign, agent }) => {
        const [first, middle, last] = toParts(entryOf(own, agent));
        return [first, middle, `${last.slice(0, -1)},"tenant_id":"${foreign.tenantId}"}`];
      },
    ],
    ['of another act', ({ own, agent }) => toParts({ ...entryOf(own, agent), action: 'agent.created' })],
    ['of a member', ({ own, agent }) => toParts({ ...entryOf(own, agent), actorKind: 'member' })],
  ])('not one %s', async (_what, forge) => {
    const given = await prepare();
    const before = await logs(given);
    await expect(record(given.proof, forge(given))).rejects.toThrow('does not belong to the client');
    expect(await logs(given)).toEqual(before);
    expect(await record(given.proof, toParts(entryOf(given.own, given.agent)))).toEqual([]);
    verify(await chainOf(given.own.tenantId));
  });

  it('the newest of several is the agent’s last token', async () => {
    const { own, agent, proof } = await prepare();
    const times = ['2026-11-28T10:00:00.000Z', '2026-11-28T12:00:00.000Z', '2026-11-28T11:00:00.000Z'];
    const lines = times.map((at) =>
      ['1', ...toParts({ ...entryOf(own, agent), occurredAt: new Date(at) })].join('\t'),
    );
    await api.deps.db.runAlone({
      name: 'record_tokens',
      text: 'select entry, answer from record_tokens($1, $2, $3)',
      values: [JSON.stringify([proof]), lines.join('\n'), null],
    });
    expect(
      await api.sql('select count::int, last_at from agent_usage where agent_id = $1', [agent.agentId]),
    ).toEqual([{ count: 3, last_at: new Date(times[1]!) }]);
  });

  it.each<[what: string, answer: string, forge: (given: Prepared) => object]>([
    ['another tenant', 'not_live', ({ foreign }) => ({ tenant_id: foreign.tenantId })],
    ['another agent', 'not_live', ({ other }) => ({ agent_id: other.agentId })],
    ['a foreign credential', 'not_live', ({ stranger }) => ({ credential_id: stranger.credentialId })],
    ['a foreign subject', 'subject_not_live', ({ stranger }) => ({ for_agents: [stranger.agentId] })],
    ['a scope that it lacks', 'scope_lost', () => ({ scopes: ['audit:read'] })],
    ['a scope that a subject lacks', 'scope_lost', ({ other }) => ({ for_agents: [other.agentId] })],
    ['no tenant that exists', 'busy', () => ({ tenant_id: 'ten_none' })],
  ])('and a proof with %s is answered %s', async (_what, answer, forge) => {
    const given = await prepare();
    const before = await logs(given);
    const parts = toParts(entryOf(given.own, given.agent));
    expect(await record({ ...given.proof, ...forge(given) }, parts)).toEqual([{ entry: 1, answer }]);
    expect(await logs(given)).toEqual(before);
  });
});
