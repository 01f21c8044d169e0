import { collectDefaultMetrics } from 'prom-client';
import type { Database } from '@sentryagent/api/platform/database';
import { createRegistry } from '@sentryagent/api/platform/metrics';
import { readEventDelay, readSettlementDelay } from '@sentryagent/api/services/health/read-delays';

/** `sdkUrl`: where the Temporal SDK serves its own metrics, which are appended. */
export const createWorkerMetrics = (db: Database, sdkUrl: string) => {
  const { registry, counter, gauge } = createRegistry();
  collectDefaultMetrics({ register: registry });
  gauge('stripe_event_delay_seconds', 'Age of the oldest Stripe event that is not delivered', () =>
    readEventDelay(db),
  );
  gauge('settlement_delay_seconds', 'Time since the end of the oldest day that is not settled', () =>
    readSettlementDelay(db),
  );
  return {
    expiringCredentials: counter('credentials_expiring_soon_total', 'Credentials of which owners got notice'),
    billingDrift: counter('billing_drift_total', 'Tenants whose row or workflow differed from Stripe'),
    print: async (): Promise<{ type: string; body: string }> => {
      const [ours, sdk] = await Promise.all([
        registry.metrics(),
        fetch(sdkUrl).then((reply) => reply.text()),
      ]);
      return { type: registry.contentType, body: `${ours}\n${sdk}` };
    },
  };
};

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;
