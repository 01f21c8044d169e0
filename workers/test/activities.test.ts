import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '@sentryagent/api/platform/database';
import type { Database } from '@sentryagent/api/platform/database';
import { createLogger } from '@sentryagent/api/platform/logger';
import {
  adminUrl,
  appUrl,
  createTestDatabase,
  dropTestDatabase,
  query,
} from '../../api/test/support/servers.ts';
import { createActivities, createBatchActivities } from '../src/activities.ts';
import { createWorkerMetrics } from '../src/metrics.ts';
import { readEventDelay } from '@sentryagent/api/services/health/read-delays';
import type { ActivityDeps } from '../src/activities.ts';
import { parseConfig } from '../src/config.ts';

const TENANT = 'ten_1';

let database: string;
let db: Database;
/** What Temporal and Stripe were asked for. */
let asked: unknown[] = [];
let metrics: ReturnType<typeof createWorkerMetrics>;
let activities: ReturnType<typeof createActivities> & ReturnType<typeof createBatchActivities>;
beforeAll(async () => {
  database = await createTestDatabase();
  await sql(`insert into tenants (id, name, slug, created_at) values ('${TENANT}', 'One', 'one', now())`);
  const config = parseConfig({
    APP_DATABASE_URL: appUrl(database),
    STRIPE_SECRET_KEY: 'sk_test_activities',
    KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    DB_POOL_MIN: '0',
  });
  db = createDatabase(config);
  const say = (what: string, status: string) => async (id: string) => {
    asked.push([what, id]);
    return { id, status, payment_status: 'unpaid' };
  };
  const sessions = { retrieve: say('retrieve', 'open'), expire: say('expire', 'expired') };
  const workflow = {
    signalWithStart: async (_name: string, { workflowId }: { workflowId: string }) =>
      void asked.push(['start', workflowId]),
  };
  metrics = createWorkerMetrics(db, '');
  const deps = {
    db,
    config,
    clock: () => new Date(),
    logger: createLogger('silent'),
    metrics,
    stripe: { checkout: { sessions } },
    temporal: { within: (_ms: number, work: (client: object) => unknown) => work({ workflow }) },
  } as unknown as ActivityDeps;
  activities = { ...createActivities(deps), ...createBatchActivities(deps) };
});
afterAll(async () => {
  await db.close();
  await dropTestDatabase(database);
});

const sql = async (text: string): Promise<unknown[]> => (await query(adminUrl(database), text)).rows;

describe('each activity does what it is named after', () => {
  it.each(['completed', 'expired'] as const)('closeCheckout, as %s', async (status) => {
    const checkoutId = `chk_${status}`;
    const other = `chk_${status}_other`;
    await sql(
      `insert into checkouts (tenant_id, id, created_by, created_at) values ('${TENANT}', '${checkoutId}', 'usr_1', now());
       insert into checkouts (tenant_id, id, status, created_by, created_at, closed_at)
         values ('${TENANT}', '${other}', 'expired', 'usr_1', now(), now())`,
    );
    await activities.closeCheckout({ tenantId: TENANT, checkoutId, status });
    const rows = await sql(
      `select id, status from checkouts where id in ('${checkoutId}', '${other}') order by id`,
    );
    expect(rows).toEqual([
      { id: checkoutId, status },
      { id: other, status: 'expired' },
    ]);
  });

  it('readCheckoutSession only looks, expireCheckoutSession ends it', async () => {
    asked = [];
    expect(await activities.readCheckoutSession({ sessionId: 'cs_1' })).toBe('open');
    expect(asked).toEqual([['retrieve', 'cs_1']]);
    expect(await activities.expireCheckoutSession({ sessionId: 'cs_1' })).toBe('expired');
    expect(asked.slice(1)).toEqual([
      ['retrieve', 'cs_1'],
      ['expire', 'cs_1'],
    ]);
  });

  it('startSubscription starts that of the tenant', async () => {
    asked = [];
    await activities.startSubscription({ tenantId: TENANT });
    expect(asked).toEqual([['start', `subscription/${TENANT}`]]);
  });

  it('applySubscription of a tenant without a customer writes that it has nothing', async () => {
    const { subscription } = await activities.applySubscription({ tenantId: TENANT });
    expect(subscription).toBeNull();
    const rows = await sql(
      `select tier, status, reading from tenant_subscriptions where tenant_id = '${TENANT}'`,
    );
    expect(rows).toEqual([{ tier: 'free', status: 'active', reading: expect.anything() }]);
  });

  it('rotateSigningKeys makes the first keys, and then nothing', async () => {
    expect((await activities.rotateSigningKeys()).map(({ to }) => to)).toEqual(['current', 'next']);
    expect(await activities.rotateSigningKeys()).toEqual([]);
  });

  it('deleteExpired and announceExpiry find nothing where there is nothing', async () => {
    expect(await activities.deleteExpired()).toEqual({ deleted: 0, isMore: false });
    expect(await activities.announceExpiry({ after: '' })).toEqual({ queued: 0, noticed: 0, next: null });
  });

  it('An undelivered event has an age', async () => {
    const delay = () => readEventDelay(db);
    expect(await delay()).toBe(0);
    await sql(
      `insert into stripe_events (id, type, customer_id, created_at, received_at)
       values ('evt_1', 'invoice.paid', 'cus_1', now(), now() - interval '90 seconds'),
         ('evt_2', 'invoice.paid', 'cus_1', now(), now())`,
    );
    expect(await delay()).toBeGreaterThanOrEqual(90);
    await sql('update stripe_events set settled_at = now()');
    expect(await delay()).toBe(0);
  });

  it('An expiring credential is counted once', async () => {
    const counted = async () => (await metrics.expiringCredentials.get()).values[0]?.value;
    expect(await counted()).toBe(0);
    await sql(
      `insert into users (id, name, email, email_verified) values ('usr_1', 'Ada', 'ada@example.com', true);
       insert into members (id, tenant_id, user_id, role, created_at)
         values ('mem_1', '${TENANT}', 'usr_1', 'owner', now());
       insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
         values ('${TENANT}', 'agt_1', 'reader', '{}', 'usr_1', now(), now());
       insert into credentials (tenant_id, id, agent_id, secret_hash, pepper_id, created_at, expires_at)
         values ('${TENANT}', 'crd_1', 'agt_1', '\\x00', 'p1', now(), now() + interval '5 days')`,
    );
    for (const queued of [1, 0])
      expect(await activities.announceExpiry({ after: '' })).toMatchObject({ queued, noticed: queued });
    expect(await counted()).toBe(1);
  });
});
