import { heartbeat } from '@temporalio/activity';
import type { Counter } from 'prom-client';
import type { Activities, BatchActivities } from '@sentryagent/workflows/contracts';
import type { Clock } from '@sentryagent/api/platform/clock';
import type { Database } from '@sentryagent/api/platform/database';
import type { Keyring } from '@sentryagent/api/platform/keyring';
import type { Logger } from '@sentryagent/api/platform/logger';
import type { Redis } from '@sentryagent/api/platform/redis';
import type { Stripe } from '@sentryagent/api/platform/stripe';
import type { Temporal } from '@sentryagent/api/platform/temporal';
import { announceExpiry } from '@sentryagent/api/services/agents/announce-expiry';
import { applySubscription } from '@sentryagent/api/services/billing/subscription/apply-subscription';
import {
  changeCancellation,
  extendGrace,
} from '@sentryagent/api/services/billing/subscription/change-at-stripe';
import { remindOwners } from '@sentryagent/api/services/billing/subscription/remind-owners';
import { reconcilePaidTenants, reconcileStripe } from '@sentryagent/api/services/billing/reconcile/reconcile';
import {
  expireCheckoutSession,
  readCheckoutSession,
} from '@sentryagent/api/services/billing/checkout/checkout-session';
import { closeCheckout, showProcessing } from '@sentryagent/api/services/billing/checkout/close-checkout';
import { openCheckoutSession } from '@sentryagent/api/services/billing/checkout/open-checkout-session';
import { startSubscription } from '@sentryagent/api/services/billing/subscription/start-subscription';
import { deleteExpired } from '@sentryagent/api/services/housekeeping/delete-expired';
import { settleUsage } from '@sentryagent/api/services/usage/settle-usage';
import { rotateSigningKeys } from '@sentryagent/api/services/signing-keys/rotate-signing-keys';
import { toFailure } from './failure.ts';
import type { WorkerMetrics } from './metrics.ts';

export interface ActivityDeps {
  db: Database;
  /** The counters of the API. `undefined`: there are none. */
  redis: Redis | undefined;
  stripe: Stripe;
  temporal: Temporal;
  clock: Clock;
  logger: Logger;
  metrics: WorkerMetrics;
  config: { DASHBOARD_URL: string; TRIAL_DAYS: number; KEY_ENCRYPTION_KEYS: Keyring };
}

/** Logs the error, and puts only a code into the workflow history. */
const guardWith =
  ({ logger }: Pick<ActivityDeps, 'logger'>) =>
  <I, O>(work: (input: I) => Promise<O>, isStripeFinal = false) =>
  async (input: I): Promise<O> => {
    try {
      return await work(input);
    } catch (error) {
      logger.warn({ err: error, input }, 'an activity failed');
      throw toFailure(error, { isStripeFinal });
    }
  };

/** Each activity calls one service of the API. */
export const createActivities = (deps: ActivityDeps): Activities => {
  const { stripe, temporal } = deps;
  const guard = guardWith(deps);
  return {
    // A user waits for this one and for a change, so an error of Stripe is final. The others retry until it is fixed.
    openCheckoutSession: guard((input) => openCheckoutSession(deps, input), true),
    readCheckoutSession: guard(({ sessionId }) => readCheckoutSession(stripe, sessionId)),
    expireCheckoutSession: guard(({ sessionId }) => expireCheckoutSession(stripe, sessionId)),
    showProcessing: guard((key) => showProcessing(deps.db, key)),
    closeCheckout: guard(({ status, ...key }) => closeCheckout(deps, key, status)),
    startSubscription: guard(({ tenantId }) => startSubscription(temporal, tenantId)),
    applySubscription: guard(({ tenantId }) => applySubscription(deps, tenantId)),
    changeCancellation: guard((input) => changeCancellation(deps, input), true),
    extendGrace: guard((input) => extendGrace(deps, input), true),
    remindOwners: guard((input) => remindOwners(deps, input)),
  };
};

/** Adds a figure of the result to a counter. */
const counted = async <T>(done: Promise<T>, counter: Counter, figure: (result: T) => number): Promise<T> => {
  const result = await done;
  counter.inc(figure(result));
  return result;
};

export const createBatchActivities = (deps: ActivityDeps): BatchActivities => {
  const { expiringCredentials, billingDrift } = deps.metrics;
  const guard = guardWith(deps);
  return {
    announceExpiry: guard(({ after }) =>
      counted(announceExpiry(deps, after), expiringCredentials, ({ noticed }) => noticed),
    ),
    rotateSigningKeys: () => guard(() => rotateSigningKeys(deps, { now: deps.clock() }))(undefined),
    reconcileStripe: guard((input) =>
      counted(reconcileStripe(deps, input), billingDrift, ({ drifted }) => drifted),
    ),
    reconcilePaidTenants: () =>
      guard(() => counted(reconcilePaidTenants(deps), billingDrift, (drifted) => drifted))(undefined),
    settleUsage: () => guard(() => settleUsage(deps, heartbeat))(undefined),
    deleteExpired: () => guard(() => deleteExpired(deps.db))(undefined),
  };
};
