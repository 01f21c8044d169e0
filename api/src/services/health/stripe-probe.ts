import type { Database } from '../../platform/database.ts';
import { Stripe } from '../../platform/stripe.ts';
import type { Seen } from '../../platform/service-state.ts';
import { PROBE_MS, lookAt } from './probe-services.ts';

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
  const { state, latencyMs } = await lookAt(() => askStripe(stripe));
  await db.acrossTenants((trx) => trx.raw(`select record_probe('stripe', ?, ?)`, [state, latencyMs]));
};

/** What a worker has seen of Stripe. `degraded` without a time if no worker has looked in the last minute. */
export const readStripeProbe = async (db: Database): Promise<Seen> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Seen[] }>(`select state, latency_ms as "latencyMs" from read_probe('stripe')`),
  );
  return rows[0] ?? { state: 'degraded', latencyMs: null, cause: new Error('no worker has probed Stripe') };
};
