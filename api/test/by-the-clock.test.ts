import { WorkflowNotFoundError } from '@temporalio/client';
import type { Stripe } from 'stripe';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import type { Temporal } from '../src/platform/temporal.ts';
import { startStripeEvents } from '../src/services/billing/events/stripe-events.ts';
import { createCredentialUses } from '../src/services/clients/credential-uses.ts';
import { createRefusedClients } from '../src/services/clients/refused-clients.ts';
import { createRevocations } from '../src/services/tokens/revocations.ts';
import { startTokenFeed } from '../src/services/tokens/token-feed.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi();
  member = await signUp(api);
  agent = await registerAgent(api, member);
});
afterAll(() => api.close());

/**
 * What is started from here on hears of time from the test alone. The API above has begun before it, and works by the
 * real clock: only what nobody but the started one does is judged.
 */
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

describe('Sweeps run by themselves', () => {
  /** A feed that hears no notice: nobody listens where it would connect to for them. */
  const start = async () => {
    const revocations = createRevocations();
    const config = { APP_DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' };
    const feed = await startTokenFeed({ ...api.deps, config, revocations });
    return { revocations, feed };
  };

  it('ended revocations leave memory within 10 seconds', async () => {
    const { revocations, feed } = await start();
    const before = revocations.size;
    const token = { jti: newId('evt'), expires_at: minutesAgo(2) };
    const mark = {
      agent_id: newId('agt'),
      not_before: minutesAgo(20),
      refused: true,
      expires_at: minutesAgo(2),
    };
    const credential = { credential_id: newId('crd'), expires_at: minutesAgo(2) };
    revocations.add({ tokens: [token], credentials: [credential], marks: [mark] });
    expect(revocations.size).toBe(before + 3);
    vi.advanceTimersByTime(10_000);
    expect(revocations.size).toBe(before);
    await feed.stop();
  });

  it('ended revocations leave their tables within 10 minutes', async () => {
    const { feed } = await start();
    const left = async (): Promise<string[]> => {
      const rows = await api.sql(
        `select 'token' as what from revoked_tokens where expires_at < now() union all
         select 'credential' from revoked_credentials where expires_at < now() union all
         select 'mark' from not_before_marks where expires_at < now() order by what`,
      );
      return rows.map(({ what }) => what as string);
    };
    const { agentId, credentialId } = await registerAgent(api, member);
    const insert = (into: string, values: string, id: string) =>
      api.sql(`insert into ${into} values ($1, $2, ${values})`, [member.tenantId, id]);
    const ended = `now() - interval '2 minutes'`;
    await insert('revoked_tokens (tenant_id, jti, expires_at)', ended, newId('evt'));
    await insert('revoked_credentials (tenant_id, credential_id, expires_at)', ended, credentialId);
    await insert('not_before_marks', `now(), false, ${ended}`, agentId);
    vi.advanceTimersByTime(599_999);
    expect(await left()).toEqual(['credential', 'mark', 'token']);
    vi.advanceTimersByTime(1);
    await expect.poll(left).toEqual([]);
    await feed.stop();
  });

  it('a revocation without a notice is read within half a second', async () => {
    const { revocations, feed } = await start();
    const jti = newId('evt');
    await api.sql(
      `insert into revoked_tokens (tenant_id, jti, expires_at) values ($1, $2, now() + interval '5 minutes')`,
      [member.tenantId, jti],
    );
    expect(revocations.has({ jti, sub: agent.agentId, credential_id: agent.credentialId })).toBe(false);
    vi.advanceTimersByTime(500);
    await expect
      .poll(() => revocations.has({ jti, sub: agent.agentId, credential_id: agent.credentialId }))
      .toBe(true);
    await feed.stop();
  });

  it('the use of a credential is written within 5 seconds', async () => {
    const uses = createCredentialUses(api.deps.db, api.deps.logger);
    const at = new Date(Date.now() + 3_600_000);
    const usedAt = async () =>
      (await api.sql('select last_used_at from credentials where id = $1', [agent.credentialId]))[0]!
        .last_used_at as Date | null;
    uses.note(agent.credentialId, at);
    vi.advanceTimersByTime(5_000);
    await expect.poll(async () => (await usedAt())?.getTime()).toBe(at.getTime());
    await uses.stop();
  });

  it('the use of a credential is written at most once a minute', async () => {
    const { db, logger } = api.deps;
    let writes = 0;
    const counting: typeof db = {
      ...db,
      acrossTenants: (work) => {
        writes += 1;
        return db.acrossTenants(work);
      },
    };
    const uses = createCredentialUses(counting, logger);
    const first = Date.now() + 7_200_000;
    const counts: number[] = [];
    for (const ms of [0, 1, 59_999, 60_000, 60_001]) {
      uses.note(agent.credentialId, new Date(first + ms));
      await uses.flush();
      counts.push(writes);
    }
    expect(counts).toEqual([1, 1, 1, 2, 2]);
    await uses.stop();
  });

  it('a refused client is told of within a second', async () => {
    const refused = createRefusedClients(api.deps);
    const entries = () =>
      api.sql(`select metadata from audit_events where action = 'auth.failed' and agent_id = $1`, [
        agent.agentId,
      ]);
    const origin = { requestId: 'req_1', ip: '192.0.2.1', userAgent: null };
    refused.note({ clientId: agent.agentId, reason: 'wrong_secret', credentialId: undefined, origin });
    vi.advanceTimersByTime(1_000);
    await expect.poll(async () => (await entries()).length).toBe(1);
    await refused.stop();
  });
});

describe('Stored Stripe events are delivered each second', () => {
  const nudges = () => {
    const nudged: string[] = [];
    const getHandle = (workflowId: string) => ({
      signal: async () => {
        nudged.push(workflowId);
        throw new WorkflowNotFoundError('there is none', workflowId, undefined);
      },
    });
    const temporal = {
      within: (_ms: number, work: (client: object) => Promise<unknown>) => work({ workflow: { getHandle } }),
    } as unknown as Temporal;
    return { nudged, temporal };
  };
  const store = (id: string) =>
    api.sql(
      `insert into stripe_events (id, type, customer_id, created_at) values ($1, 'invoice.paid', 'cus_1', now())`,
      [id],
    );

  it('by themselves, and fetched every five where Stripe cannot send them', async () => {
    await api.sql(`insert into stripe_customers (tenant_id, customer_id) values ($1, 'cus_1')`, [
      member.tenantId,
    ]);
    const event = {
      id: 'evt_fetched',
      type: 'invoice.paid',
      created: Math.floor(Date.now() / 1_000),
      data: { object: { object: 'invoice', customer: 'cus_1' } },
    };
    const asked: number[] = [];
    const list = async function* () {
      asked.push(1);
      yield event;
    };
    const { nudged, temporal } = nudges();
    const events = startStripeEvents({
      ...api.deps,
      temporal,
      stripe: { events: { list } } as unknown as Stripe,
      config: { PUBLIC_URL: 'http://localhost:3000' },
    });
    const settled = async (id: string) =>
      (await api.sql('select settled_at from stripe_events where id = $1', [id]))[0]?.settled_at instanceof
      Date;
    for (const id of ['evt_1', 'evt_2']) {
      await store(id);
      vi.advanceTimersByTime(1_000);
      await expect.poll(() => settled(id)).toBe(true);
    }
    expect([nudged.length, asked]).toEqual([2, []]);
    vi.advanceTimersByTime(3_000);
    const stored = () => api.sql(`select id from stripe_events where id = 'evt_fetched'`);
    await expect.poll(async () => (await stored()).length).toBe(1);
    vi.advanceTimersByTime(1_000);
    await expect.poll(() => settled('evt_fetched')).toBe(true);
    await events.stop();
  });
});
