import { DAY_MS } from '@sentryagent/workflows/rules/durations';
import type { SubscriptionView } from '@sentryagent/workflows/rules/subscription';
import type { NewMail } from '../../mail/queue-mail.ts';
import { chargeTimeOf, type FullReading } from './read-subscription.ts';

type Mail =
  | NewMail<'paid_welcome'>
  | NewMail<'payment_failed'>
  | NewMail<'grace_ends'>
  | NewMail<'grace_ended'>
  | NewMail<'subscription_cancelled'>;

/** A subscription is read at least daily, so a read falls into the last two days of grace. */
const GRACE_NOTICE_MS = 2 * DAY_MS;

/** One for each attempt, also for those between two reads. */
const aboutFailures = ({ graceEndsAt }: SubscriptionView, { failures }: FullReading): Mail[] =>
  failures.flatMap(({ invoiceId, attempts, amount, currency }) =>
    Array.from({ length: attempts }, (_, index) => ({
      kind: 'payment_failed' as const,
      key: `${invoiceId}/${index + 1}`,
      data: { amount, currency, graceEndsAt },
    })),
  );

const aboutGrace = (before: SubscriptionView, view: SubscriptionView, reading: FullReading): Mail[] => {
  const { subscriptionId: id, status, graceEndsAt } = view;
  if (graceEndsAt !== null && Date.parse(graceEndsAt) - Date.parse(reading.stripeNow) <= GRACE_NOTICE_MS)
    return [{ kind: 'grace_ends', key: `${id}/${graceEndsAt}`, data: { graceEndsAt } }];
  if (status !== 'payment_failed' || before.tier === 'free') return [];
  const failedAt = reading.subscription?.failedAt ?? reading.stripeNow.slice(0, 10);
  return [{ kind: 'grace_ended', key: `${id}/${failedAt}`, data: {} }];
};

const aboutCancellation = (
  before: SubscriptionView,
  view: SubscriptionView,
  { stripeNow }: FullReading,
): Mail[] => {
  const { subscriptionId: id, endsAt, renewsAt, isCancelling, status, tier } = view;
  if (isCancelling && !before.isCancelling) {
    const unpaid = tier === 'free' ? ('free' as const) : status === 'past_due' ? status : undefined;
    const data = { endsAt, ...(renewsAt !== null && { renewsAt }), ...(unpaid && { unpaid }) };
    // Each cancellation is confirmed, also one after a resume in the same period.
    return [{ kind: 'subscription_cancelled', key: `${id}/${stripeNow}`, data }];
  }
  const hasEnded = status === 'cancelled' && before.status !== 'cancelled' && before.subscriptionId === id;
  return hasEnded ? [{ kind: 'subscription_cancelled', key: `${id}/ended`, data: { endsAt: null } }] : [];
};

/**
 * The mails about what a read from Stripe has changed. A mail is queued once for its key, so a repeated read sends
 * nothing again.
 */
export const mailsAbout = (
  before: SubscriptionView,
  view: SubscriptionView,
  reading: FullReading,
): Mail[] => {
  const { subscriptionId: id } = view;
  if (id === null) return [];
  const isNew = before.tier === 'free' && view.tier !== 'free' && before.subscriptionId !== id;
  const charge = { at: chargeTimeOf(reading), isTrial: view.status === 'trial', ...reading.nextCharge };
  return [
    ...(isNew ? [{ kind: 'paid_welcome' as const, key: id, data: charge }] : []),
    ...aboutFailures(view, reading),
    ...aboutGrace(before, view, reading),
    ...aboutCancellation(before, view, reading),
  ];
};
