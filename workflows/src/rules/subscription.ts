import { DAY_MS, HOUR_MS } from './durations.ts';
import { tiers, type TierId } from './tiers.ts';

/** Stripe's status values. */
export type StripeStatus =
  'incomplete' | 'incomplete_expired' | 'trialing' | 'active' | 'past_due' | 'canceled' | 'unpaid' | 'paused';

/** The fields of a Stripe subscription that we use. Times are ISO 8601 in UTC. */
export interface StripeSubscription {
  id: string;
  status: StripeStatus;
  createdAt: string;
  periodStart: string;
  periodEnd: string;
  trialEnd: string | null;
  /** The date of the scheduled cancellation, if there is one. */
  cancelAt: string | null;
  /** When the first payment of its unpaid invoice failed. `null` if none has failed. */
  failedAt: string | null;
  /** The end of grace that an operator has set. Stored at Stripe, so it outlives a lost workflow. */
  graceUntil: string | null;
  /** The lookup key of its price. `null` if a newer price has taken it over. */
  lookupKey: string | null;
  /** Whether it was sold as one of our tiers. Missing in histories of older releases, as the next one. */
  isOurs?: boolean;
  /** The time of the next charge. `null`: none, because it ends first or an operator has paused its payments. */
  nextChargeAt?: string | null;
}

/** The result of one read from Stripe: the tenant's subscription, and the time of its clock. */
export interface SubscriptionReading {
  subscription: StripeSubscription | null;
  /** The time of the customer's test clock, if it has one, else the time of the read. */
  stripeNow: string;
}

/** Our status values, which the tenant sees. `payment_failed` and `paused` are on the free tier and can be paid for. */
export const subscriptionStatuses = [
  'active',
  'trial',
  'past_due',
  'payment_failed',
  'paused',
  'cancelled',
] as const;

export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** The tenant's plan, as stored in `tenant_subscriptions`. */
export interface SubscriptionView {
  tier: TierId;
  status: SubscriptionStatus;
  subscriptionId: string | null;
  periodStart: string | null;
  periodEnd: string | null;
  renewsAt: string | null;
  /** When the paid tier ends, or the trial. */
  endsAt: string | null;
  /** Past due: when the paid tier ends if nobody pays. */
  graceEndsAt: string | null;
  /**
   * Whether the subscription ends at `endsAt`. It is charged before that only if `renewsAt` is set. A trial that is not
   * cancelled is charged at `endsAt`.
   */
  isCancelling: boolean;
}

/** 4 and 5: gives the paid tier, 4 for as long as its grace lasts. 2 and 3: can still become active. */
const RANK: Readonly<Record<StripeStatus, number>> = {
  active: 5,
  trialing: 5,
  past_due: 4,
  unpaid: 3,
  paused: 3,
  incomplete: 2,
  canceled: 1,
  incomplete_expired: 0,
};

/** Whether it charges the customer, or can charge again. The tenant must not get a second subscription. */
export const holdsTheTenant = ({ status }: Pick<StripeSubscription, 'status'>): boolean => RANK[status] >= 3;

/** Whether it was ever paid or had a trial. */
export const wasBegun = ({ status }: Pick<StripeSubscription, 'status'>): boolean =>
  status !== 'incomplete' && status !== 'incomplete_expired';

/** The preference for a subscription, most important first. */
const preference = (subscription: StripeSubscription): number[] => [
  Number(holdsTheTenant(subscription)),
  Number(subscription.isOurs ?? true),
  RANK[subscription.status],
  Date.parse(subscription.createdAt),
];

const byPreference = (one: StripeSubscription, other: StripeSubscription): number => {
  const theirs = preference(other);
  const difference = preference(one).map((value, index) => theirs[index]! - value);
  return difference.find((value) => value !== 0) ?? 0;
};

/**
 * The subscription that decides the tier: a live one first, of these one that we sold, then the newest. An operator can
 * give the same customer a subscription for something else. Ignores those that expired unpaid.
 */
export const chooseSubscription = <T extends StripeSubscription>(all: readonly T[]): T | null =>
  all
    .filter(({ status }) => RANK[status] > 0)
    .toSorted(byPreference)
    .at(0) ?? null;

/** From the first failed payment on. */
export const GRACE_MS = 7 * DAY_MS;

/** When the paid tier ends, if the subscription stays past due. `null` if no payment has failed. */
export const graceEnd = ({ failedAt, graceUntil }: StripeSubscription): string | null => {
  if (!failedAt) return null;
  const end = new Date(Date.parse(failedAt) + GRACE_MS).toISOString();
  return graceUntil && graceUntil > end ? graceUntil : end;
};

/** Whether the catalogue has this price. */
export const isInCatalogue = (lookupKey: string | null): boolean =>
  Object.values(tiers).some(({ price }) => price !== null && price.lookupKey === lookupKey);

/** The tier of this price. A price that the catalogue no longer has was sold as Paid. */
const tierOfPrice = (lookupKey: string | null): TierId =>
  Object.values(tiers).find(({ price }) => price !== null && price.lookupKey === lookupKey)?.id ?? 'paid';

const NEVER_PAID: SubscriptionView = {
  tier: 'free',
  status: 'active',
  subscriptionId: null,
  periodStart: null,
  periodEnd: null,
  renewsAt: null,
  endsAt: null,
  graceEndsAt: null,
  isCancelling: false,
};

/** The plan of a tenant: a pure function of its Stripe subscription, the time of its clock and the catalogue. */
export const viewOf = ({ subscription, stripeNow }: SubscriptionReading): SubscriptionView => {
  if (!subscription || !wasBegun(subscription)) return NEVER_PAID;
  const { id, status, periodStart, periodEnd, trialEnd, cancelAt, lookupKey } = subscription;
  const tier = tierOfPrice(lookupKey);
  const isCancelling = cancelAt !== null;
  const { nextChargeAt = isCancelling ? null : periodEnd } = subscription;
  const paid = { ...NEVER_PAID, tier, subscriptionId: id, periodStart, periodEnd, isCancelling };
  const free = { ...NEVER_PAID, subscriptionId: id };
  // Older histories do not have the cancellation of a subscription that is on Free.
  const unpaid = subscription.nextChargeAt === undefined ? free : { ...free, isCancelling, endsAt: cancelAt };
  switch (status) {
    case 'trialing':
      return {
        ...paid,
        status: 'trial',
        renewsAt: isCancelling ? nextChargeAt : null,
        endsAt: cancelAt ?? trialEnd ?? periodEnd,
      };
    case 'active':
      return { ...paid, status: 'active', renewsAt: nextChargeAt, endsAt: cancelAt };
    case 'past_due': {
      const graceEndsAt = graceEnd(subscription);
      const isOver = graceEndsAt !== null && Date.parse(graceEndsAt) <= Date.parse(stripeNow);
      if (isOver) return { ...unpaid, status: 'payment_failed' };
      return { ...paid, status: 'past_due', endsAt: cancelAt, graceEndsAt };
    }
    case 'unpaid':
      return { ...unpaid, status: 'payment_failed' };
    case 'paused':
      return { ...unpaid, status: 'paused' };
    default:
      return { ...free, status: 'cancelled' };
  }
};

const WORDS: Readonly<Record<SubscriptionStatus, string>> = {
  active: 'Active',
  trial: 'Trial',
  past_due: 'Past due',
  payment_failed: 'Free, because a payment failed',
  paused: 'Free, because the subscription is paused',
  cancelled: 'Cancelled',
};

const day = (instant: string): string => instant.slice(0, 10);

/** "Active. Renews 2026-12-22." for operators. */
export const describeView = (view: SubscriptionView): string => {
  const { tier, status, renewsAt, endsAt, graceEndsAt } = view;
  const what = tier === 'free' && status === 'active' ? 'No subscription' : WORDS[status];
  if (graceEndsAt) return `${what}. Free from ${day(graceEndsAt)} if nobody pays.`;
  if (endsAt) return `${what}. Ends ${day(endsAt)}.`;
  return renewsAt ? `${what}. Renews ${day(renewsAt)}.` : `${what}.`;
};

/** Whether the subscription can never become active again. */
const isOver = (subscription: StripeSubscription | null): boolean =>
  !subscription || RANK[subscription.status] <= 1;

export type NextStep = { kind: 'end' } | { kind: 'wait'; ms: number; why: string };

/**
 * Spreads the reads of tenants over an hour, so that a thousand renewals at midnight are not one burst. Stripe keeps
 * the invoice of a renewal open for about an hour too.
 */
const jitterMs = (tenantId: string): number => {
  let hash = 0;
  for (const character of tenantId) hash = (hash * 31 + character.charCodeAt(0)) % HOUR_MS;
  return hash;
};

/**
 * When to read again without a signal: after the next date of the subscription, and at least daily, because a webhook
 * can be lost. If a date has passed without a change, hourly.
 */
export const nextStep = (reading: SubscriptionReading, tenantId: string): NextStep => {
  const { subscription, stripeNow } = reading;
  if (!subscription || isOver(subscription)) return { kind: 'end' };
  const { renewsAt, endsAt, graceEndsAt } = viewOf(reading);
  const due = [graceEndsAt, endsAt, renewsAt].filter((date) => date !== null).sort()[0];
  if (!due) return { kind: 'wait', ms: DAY_MS, why: 'daily read from Stripe' };
  const untilDue = Date.parse(due) - Date.parse(stripeNow);
  if (untilDue <= 0)
    return { kind: 'wait', ms: HOUR_MS, why: `${day(due)} has passed: hourly read from Stripe` };
  const ms = untilDue + jitterMs(tenantId);
  if (ms > DAY_MS) return { kind: 'wait', ms: DAY_MS, why: 'daily read from Stripe' };
  const what = due === graceEndsAt ? 'grace ends' : due === renewsAt ? 'renews' : 'ends';
  return { kind: 'wait', ms, why: `${what} ${day(due)}` };
};
