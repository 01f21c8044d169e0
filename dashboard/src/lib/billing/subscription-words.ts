import type { Subscription } from '@sentryagent/sdk';
import { formatDay } from '#lib/format/dates.ts';
import { formatMoney } from '#lib/format/numbers.ts';

const day = (iso: string): string => `${formatDay(iso)} (UTC)`;

/** "$49 on December 29, 2026 (UTC)". `null`: nothing will be charged. */
export const chargeWords = ({ nextCharge }: Pick<Subscription, 'nextCharge'>): string | null =>
  nextCharge && `${formatMoney(nextCharge.amount, nextCharge.currency)} on ${day(nextCharge.at)}`;

/** Whether it can be cancelled here. A subscription of a tenant that is on Free is ended in Stripe's portal. */
export const canCancel = ({ tier, isCancelling }: Pick<Subscription, 'tier' | 'isCancelling'>): boolean =>
  tier === 'paid' && !isCancelling;

export const canResume = ({ tier, isCancelling }: Pick<Subscription, 'tier' | 'isCancelling'>): boolean =>
  tier === 'paid' && isCancelling;

/** Whether Paid ends on a day that is known, so that the page says what happens then. */
export const isEnding = ({ tier, isCancelling, graceEndsAt }: Subscription): boolean =>
  tier === 'paid' && (isCancelling || graceEndsAt !== null);

type Words = (subscription: Subscription) => string;

/** Stripe allows an end that is later than the next charge. */
const chargedUntilEnd = (endsAt: string, renewsAt: string): string =>
  `You cancelled. You keep Paid until ${day(endsAt)}, and your card is charged until then, next on ${day(renewsAt)}. Then your tenant is on Free.`;

const onTrial: Words = ({ isCancelling, endsAt, renewsAt }) => {
  if (!endsAt) return 'Your trial is active.';
  if (renewsAt) return chargedUntilEnd(endsAt, renewsAt);
  return isCancelling
    ? `You cancelled. Your trial ends on ${day(endsAt)}, and you are not charged. Then your tenant is on Free.`
    : `Your trial ends on ${day(endsAt)}. Then your card is charged. To avoid this charge, cancel before that day.`;
};

const paying: Words = ({ isCancelling, endsAt, renewsAt }) => {
  if (endsAt && renewsAt) return chargedUntilEnd(endsAt, renewsAt);
  if (isCancelling && endsAt)
    return `You cancelled. You keep Paid until ${day(endsAt)}, and you are not charged again. Then your tenant is on Free.`;
  if (endsAt) return `Paid ends on ${day(endsAt)}.`;
  return renewsAt ? `Your subscription renews on ${day(renewsAt)}.` : 'Your subscription is active.';
};

const pastDue: Words = ({ isCancelling, endsAt, graceEndsAt }) =>
  [
    'Your last payment failed. Stripe retries it automatically. To pay now, pay the open invoice. If you only change the card, Stripe charges it at its next attempt.',
    graceEndsAt && `If nobody pays, your tenant changes to Free on ${day(graceEndsAt)}.`,
    isCancelling && endsAt && `You cancelled: Paid ends on ${day(endsAt)} in any case.`,
  ]
    .filter(Boolean)
    .join(' ');

/** How to end a subscription of a tenant that is on Free, or when it ends. */
const endOf = ({ isCancelling, endsAt }: Subscription, cancel: string): string =>
  isCancelling && endsAt ? `You cancelled: the subscription ends on ${day(endsAt)}.` : cancel;

const words: Readonly<Record<Subscription['status'], Words>> = {
  active: (subscription) =>
    subscription.tier === 'free' ? 'You are on the Free plan. You are not charged.' : paying(subscription),
  trial: onTrial,
  past_due: pastDue,
  payment_failed: (subscription) =>
    `Your tenant is on Free because a payment failed. To be on Paid again, pay the open invoice. ${endOf(subscription, 'To end the subscription instead, cancel it in the portal.')}`,
  paused: (subscription) =>
    `Your subscription is paused, so your tenant is on Free and you are not charged. To continue, add a card. ${endOf(subscription, 'To end it instead, cancel it in the portal.')}`,
  cancelled: () =>
    'Your subscription has ended. You are not charged any more, and nothing was deleted. To be on Paid again, upgrade.',
};

/** What is charged next, when Paid ends, and what to do. */
export const subscriptionWords: Words = (subscription) => words[subscription.status](subscription);

/** What a cancellation does. */
export const cancelWords: Words = ({ status, endsAt, renewsAt }) => {
  if (status === 'past_due')
    return 'The subscription ends with this period. The open invoice stays due, and Stripe tries again to collect it.';
  const end = endsAt ?? renewsAt;
  const until = end ? `until ${day(end)}` : 'until the period that you have paid for ends';
  return status === 'trial'
    ? `You keep Paid ${until}, when the trial ends. You are not charged.`
    : `You keep Paid ${until}. You are not charged again.`;
};

/** The checkout that has not ended. `null`: there is none. */
export const checkoutWords = ({ openCheckout }: Pick<Subscription, 'openCheckout'>): string | null => {
  if (!openCheckout) return null;
  return openCheckout.status === 'processing'
    ? 'Your payment is processing: your bank is still settling it. This can take a few days, and then your plan changes to Paid. Until then you cannot pay again.'
    : 'You started a checkout and have not paid yet. To continue, select Upgrade to Paid. You are charged only when you pay.';
};

const doneWords = {
  cancelled: { isCancelling: true, words: 'Your subscription is cancelled.' },
  resumed: { isCancelling: false, words: 'Your subscription continues.' },
} as const;

/** What a form has just changed, if it still holds. */
export const doneOf = (
  done: string | null,
  { isCancelling }: Pick<Subscription, 'isCancelling'>,
): string | undefined => {
  if (done !== 'cancelled' && done !== 'resumed') return undefined;
  return doneWords[done].isCancelling === isCancelling ? doneWords[done].words : undefined;
};
