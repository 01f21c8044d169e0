import type { Database } from '../../platform/database.ts';
import { Stripe } from '../../platform/stripe.ts';
import type { Seen } from '../../platform/service-state.ts';
import { PROBE_MS, probe, type Probed } from './probe-services.ts';

/** If Stripe responds with an error, it can be reached but does not work for us. */
const askStripe = async (stripe: Stripe): Promise<Seen> => {
  try {
    await stripe.prices.list({ limit: 1 }, { timeout: PROBE_MS });
    return { state: 'connected' };
  } catch (cause) {
    const isAnswer = cause instanceof Stripe.errors.StripeError && cause.statusCode !== undefined;
    return { state: isAnswer ? 'degraded' : 'disconnected', cause };
  }
};

/** Probes Stripe and stores the result, because only workers talk to Stripe all the time. */
export const probeStripe = async ({ db, stripe }: { db: Database; stripe: Stripe }): Promise<void> => {
  const { status, latencyMs } = await probe(() => askStripe(stripe));
  await db.acrossTenants((trx) => trx.raw('select record_probe(?, ?, ?)', ['stripe', status, latencyMs]));
};

const stateOf = {
  healthy: 'connected',
  degraded: 'degraded',
  unreachable: 'disconnected',
  disabled: 'disabled',
} as const satisfies Record<Probed['status'], Seen['state']>;

interface ProbeRow {
  status: Probed['status'];
  latency_ms: number;
}

/** What a worker has seen of Stripe. `degraded` without a time if no worker has looked in the last minute. */
export const readStripeProbe = async (db: Database): Promise<Seen> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: ProbeRow[] }>(`select * from read_probe('stripe')`),
  );
  const [row] = rows;
  return row
    ? { state: stateOf[row.status], latencyMs: row.latency_ms }
    : { state: 'degraded', latencyMs: null, cause: new Error('no worker has probed Stripe') };
};
