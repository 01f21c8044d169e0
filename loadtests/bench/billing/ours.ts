import { createHmac, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Candidate } from '../bench.ts';
import { measureHttp, measureTurns, timed } from '../load.ts';
import type { SignedUp } from '../sign-up.ts';
import type { SellingStack } from './stack.ts';
import { pay, startCheckout } from './tenants.ts';
import { createWatch, type Watch } from './watch.ts';

export const STARTED = 'SentryAgent: checkouts started';
export const APPLIED = 'SentryAgent: webhook to row';
const TAKEN = 'SentryAgent: webhooks taken and signaled';
export const TIER = 'SentryAgent: event at Stripe to tier';

/** A tenant with its row, its customer and its latest subscription. */
interface Row {
  id: string;
  tier: string;
  reading: number;
  subscription: string | null;
  customer: string;
}

const ROWS = `select s.tenant_id as id, s.tier, s.reading::int, s.subscription_id as subscription,
    c.customer_id as customer
  from tenant_subscriptions s join stripe_customers c using (tenant_id)`;

export interface Ours {
  stack: SellingStack;
  pool: Pool;
  watch: Watch<Row>;
}

export const createOurs = (stack: SellingStack, pool: Pool): Ours => ({
  stack,
  pool,
  watch: createWatch<Row>(pool, ROWS),
});

const isPaid = (row: Row | undefined): boolean => row?.tier === 'paid';

export const subscribe = async ({ watch }: Ours, tenant: SignedUp): Promise<void> => {
  await pay((await startCheckout(tenant)).url);
  await watch.until(tenant.tenantId, isPaid);
};

/** Waits until there is no such row. */
const none = (pool: Pool, from: string): Promise<void> =>
  createWatch<{ id: string; count: number }>(
    pool,
    `select 'count' as id, count(*)::int as count from ${from}`,
  ).until('count', (row) => row?.count === 0);

/** Each tenant starts at most one checkout a round, and each is expired at Stripe after it. */
export const checkouts = (ours: Ours, tenants: readonly SignedUp[]): Candidate => {
  let turn = 0;
  return {
    name: STARTED,
    measure: async (load) => {
      const end = turn + tenants.length;
      const urls: string[] = [];
      const measured = await measureTurns(load, async () => {
        if (turn >= end) return [];
        const tenant = tenants[turn++ % tenants.length]!;
        return [await timed(async () => urls.push((await startCheckout(tenant)).url))];
      });
      for (const url of urls) {
        const session = new URL(url).pathname.split('/').at(-1)!;
        await ours.stack.askStripe('POST', `/checkout/sessions/${session}/expire`);
      }
      await none(ours.pool, `checkouts where status in ('open', 'processing')`);
      return measured;
    },
  };
};

/** A signed webhook that changes nothing, so that only the way is measured. */
const eventOf = ({ customer, subscription }: Row, secret: string) => {
  const seconds = Math.floor(Date.now() / 1_000);
  const object = { id: subscription, object: 'subscription', customer, metadata: {} };
  const id = `evt_${randomUUID().replaceAll('-', '')}`;
  const type = 'customer.subscription.updated';
  const body = JSON.stringify({ id, type, created: seconds, livemode: false, data: { object } });
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { body, signature: `t=${seconds},v1=${digest}` };
};

/** One webhook of a tenant at a time: from its sending until the subscription is read again and written. */
export const applied = ({ stack, watch }: Ours, tenants: readonly SignedUp[]): Candidate => {
  const free = tenants.map(({ tenantId }) => tenantId);
  return {
    name: APPLIED,
    measure: (load) =>
      measureTurns(load, async () => {
        const id = free.pop()!;
        const row = (await watch.read(id))!;
        const took = await timed(async () => {
          const { body, signature } = eventOf(row, stack.webhookSecret);
          const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
          const response = await fetch(`${stack.apiUrl}/billing/webhook`, { method: 'POST', headers, body });
          await response.body?.cancel();
          if (response.status !== 200) throw new Error(`the webhook answered ${response.status}`);
          await watch.until(id, (now) => now!.reading > row.reading);
        });
        free.push(id);
        return [took];
      }),
  };
};

/** As many webhooks as are taken. The time ends when the last one is signaled to its workflow. */
export const taken = async (
  { stack, pool, watch }: Ours,
  tenants: readonly SignedUp[],
): Promise<Candidate> => {
  const { host, port } = new URL(stack.apiUrl);
  const rows = await Promise.all(tenants.map(async ({ tenantId }) => (await watch.read(tenantId))!));
  let turn = 0;
  const next = (): Buffer => {
    const { body, signature } = eventOf(rows[turn++ % rows.length]!, stack.webhookSecret);
    const lines = [
      'POST /billing/webhook HTTP/1.1',
      `Host: ${host}`,
      'Content-Type: application/json',
      `Stripe-Signature: ${signature}`,
      `Content-Length: ${body.length}`,
    ];
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  };
  return {
    name: TAKEN,
    measure: async (load) => {
      const started = performance.now();
      const before = turn;
      const measured = await measureHttp({ name: TAKEN, port: Number(port), next }, load);
      await none(pool, 'stripe_events where settled_at is null');
      return { ...measured, perSecond: ((turn - before) * 1_000) / (performance.now() - started) };
    },
  };
};

/** A few payments at a time, and the ends of their subscriptions: both change a tier. */
export const tierChanges = ({ stack, watch }: Ours, tenants: readonly SignedUp[]): Candidate => {
  const free = [...tenants];
  return {
    name: TIER,
    measure: (load) =>
      measureTurns({ ...load, connections: Math.min(load.connections, 2) }, async () => {
        const tenant = free.shift()!;
        const { tenantId } = tenant;
        const { url } = await startCheckout(tenant);
        const up = await timed(async () => {
          await pay(url);
          await watch.until(tenantId, isPaid);
        });
        const { subscription } = (await watch.read(tenantId))!;
        const down = await timed(async () => {
          await stack.askStripe('DELETE', `/subscriptions/${subscription}`);
          await watch.until(tenantId, (row) => !isPaid(row));
        });
        free.push(tenant);
        return [up, down];
      }),
  };
};
