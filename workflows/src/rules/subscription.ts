import { DAY_MS, HOUR_MS } from './durations.ts';
import type { TierId } from './tiers.ts';

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
}

/** The result of one read from Stripe: the tenant's subscription, and the time of its clock. */
export interface SubscriptionReading {
  subscription: StripeSubscription | null;
  /** The time of the customer's test clock, if it has one, else the time of the read. */
  stripeNow: string;
}

/** Our status values, which the tenant sees. */
export const subscriptionStatuses = ['active', 'trial', 'past_due', 'cancelled'] as const;

export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** The tenant's plan, as stored in `tenant_subscriptions`. */
export interface SubscriptionView {
  tier: TierId;
  status: SubscriptionStatus;
  subscriptionId: string | null;
  periodStart: string | null;
  periodEnd: string | null;
  renewsAt: string | null;
  endsAt: string | null;
}

/** 4: gives the paid tier. 2 and 3: can still become active. */
const RANK: Readonly<Record<StripeStatus, number>> = {
  active: 4,
  trialing: 4,
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

/** The subscription that decides the tier: a live one first, then the newest. Ignores those that expired unpaid. */
export const chooseSubscription = <T extends StripeSubscription>(all: readonly T[]): T | null =>
  all
    .filter(({ status }) => RANK[status] > 0)
    .toSorted((a, b) => RANK[b.status] - RANK[a.status] || Date.parse(b.createdAt) - Date.parse(a.createdAt))
    .at(0) ?? null;

const NEVER_PAID: SubscriptionView = {
  tier: 'free',
  status: 'active',
  subscriptionId: null,
  periodStart: null,
  periodEnd: null,
  renewsAt: null,
  endsAt: null,
};

/** The plan of a tenant: a pure function of its Stripe subscription. */
export const viewOf = (subscription: StripeSubscription | null): SubscriptionView => {
  if (!subscription || !wasBegun(subscription)) return NEVER_PAID;
  const { id, status, periodStart, periodEnd, trialEnd, cancelAt } = subscription;
  const paid = { tier: 'paid', subscriptionId: id, periodStart, periodEnd } as const;
  switch (status) {
    case 'trialing':
      return { ...paid, status: 'trial', renewsAt: null, endsAt: cancelAt ?? trialEnd ?? periodEnd };
    case 'past_due':
      return { ...paid, status: 'past_due', renewsAt: null, endsAt: cancelAt };
    case 'active':
      return { ...paid, status: 'active', renewsAt: cancelAt ? null : periodEnd, endsAt: cancelAt };
    default:
      return { ...NEVER_PAID, status: 'cancelled', subscriptionId: id };
  }
};

const WORDS: Readonly<Record<SubscriptionStatus, string>> = {
  active: 'Active',
  trial: 'Trial',
  past_due: 'Past due',
  cancelled: 'Cancelled',
};

const day = (instant: string): string => instant.slice(0, 10);

/** "Active. Renews 2026-12-22." for operators. */
export const describeView = ({ tier, status, renewsAt, endsAt }: SubscriptionView): string => {
  const what = tier === 'free' && status === 'active' ? 'No subscription' : WORDS[status];
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
export const nextStep = ({ subscription, stripeNow }: SubscriptionReading, tenantId: string): NextStep => {
  if (!subscription || isOver(subscription)) return { kind: 'end' };
  const { renewsAt, endsAt } = viewOf(subscription);
  const due = endsAt ?? renewsAt;
  if (!due) return { kind: 'wait', ms: DAY_MS, why: 'daily read from Stripe' };
  const untilDue = Date.parse(due) - Date.parse(stripeNow);
  if (untilDue <= 0)
    return { kind: 'wait', ms: HOUR_MS, why: `${day(due)} has passed: hourly read from Stripe` };
  const ms = untilDue + jitterMs(tenantId);
  if (ms > DAY_MS) return { kind: 'wait', ms: DAY_MS, why: 'daily read from Stripe' };
  return { kind: 'wait', ms, why: endsAt ? `ends ${day(due)}` : `renews ${day(due)}` };
};
