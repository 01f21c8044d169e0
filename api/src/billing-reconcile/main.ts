import { describeView } from '@sentryagent/workflows/rules/subscription';
import { systemClock } from '../platform/clock.ts';
import { runCommand, say } from '../platform/command.ts';
import { createDatabase } from '../platform/database.ts';
import { createStripe } from '../platform/stripe.ts';
import { createTemporal } from '../platform/temporal.ts';
import { recoverAuditedEvents } from '../services/billing/events/poll-stripe-events.ts';
import { comparePage, comparePaidTenants, type Drift } from '../services/billing/reconcile/find-drift.ts';
import { withoutRun } from '../services/billing/reconcile/reconcile.ts';
import { startSubscription } from '../services/billing/subscription/start-subscription.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const { dryRun } = config;
const temporal = createTemporal(config);
const deps = { db: createDatabase(config), stripe: createStripe(config), clock: systemClock };

const seen = new Set<string>();

/** Nudges a tenant once. */
const nudge = async (tenantId: string, what: string): Promise<void> => {
  if (seen.has(tenantId)) return;
  seen.add(tenantId);
  say(`${tenantId}  ${what}`);
  if (!dryRun) await startSubscription(temporal, tenantId);
};

/** A tenant with another live subscription may pay with it, so an operator decides. */
const handle = async ({ tenantId, ours, stripe, otherLive }: Drift): Promise<void> => {
  const what = `ours: ${describeView(ours)}  Stripe: ${describeView(stripe)}`;
  if (otherLive === null) return nudge(tenantId, what);
  seen.add(tenantId);
  say(`${tenantId}  ${what}  Not changed: the customer has another live subscription, ${otherLive}.`);
  say('  Cancel the one that is not needed at Stripe, then run this command again.');
};

/** Returns the number of subscriptions that were compared. */
const reconcile = async (): Promise<number> => {
  if (!dryRun) await recoverAuditedEvents(deps.db, deps.stripe, systemClock());
  let compared = 0;
  for (let after: string | null = null; ;) {
    const { next, tenants, drifts } = await comparePage(deps, after);
    compared += tenants.length;
    for (const drift of drifts) await handle(drift);
    for (const tenantId of await withoutRun(temporal, tenants))
      await nudge(tenantId, 'no workflow is running');
    if (next === null) break;
    after = next;
  }
  for (const drift of await comparePaidTenants(deps)) if (!seen.has(drift.tenantId)) await handle(drift);
  return compared;
};

await runCommand({
  run: async () => {
    const compared = await reconcile();
    const done = dryRun ? 'Nothing was changed.' : 'Their workflows read from Stripe now.';
    say(
      `Compared ${compared} live subscriptions. Tenants that differ: ${seen.size}. ${seen.size ? done : ''}`.trim(),
    );
  },
  failure: 'The reconciliation failed',
  close: () => Promise.all([deps.db.close(), temporal.close()]),
});
