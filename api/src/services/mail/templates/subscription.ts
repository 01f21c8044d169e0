import { decimalsOf } from '@sentryagent/workflows/rules/currency';
import type { NoData } from './account.ts';
import type { Template } from './template.ts';

/** Mails about a payment. They go to owners with unconfirmed addresses too, so their texts are fixed. */

/** The amount is in the currency's minor unit. Missing: Stripe could not say it in advance. */
export interface NextCharge {
  /** ISO 8601. `null`: nothing is charged. */
  at: string | null;
  isTrial: boolean;
  amount?: number;
  currency?: string;
}

export interface FailedPayment {
  amount: number;
  currency: string;
  /** ISO 8601. `null`: the tenant is on Free already. */
  graceEndsAt: string | null;
}

export interface GraceEnd {
  graceEndsAt: string;
}

export interface Cancelled {
  /** ISO 8601. `null`: it has ended. */
  endsAt: string | null;
  /** The next charge before that. Missing: there is none. */
  renewsAt?: string;
  /** Missing: it was paid for until then. */
  unpaid?: 'past_due' | 'free';
}

const day = (instant: string): string => `${instant.slice(0, 10)} (UTC)`;

const money = (amount: number, currency: string): string => {
  if (!/^[a-z]{3}$/i.test(currency)) return 'the amount';
  const digits = decimalsOf(currency);
  return `${(amount / 10 ** digits).toFixed(digits)} ${currency.toUpperCase()}`;
};

/** "Stripe charges 49.00 USD on 2026-12-24 (UTC)." */
const chargeOf = ({ at, amount, currency }: NextCharge & { at: string }): string => {
  const what = amount === undefined || currency === undefined ? 'your card' : money(amount, currency);
  return `Stripe charges ${what} on ${day(at)}.`;
};

const billing = (label: string) => ({ label, path: '/billing' }) as const;
const HOW_TO_STOP = 'To stop, cancel on the Billing page before that day. You keep Paid until then.';

export const paidWelcome: Template<NextCharge> = {
  subject: 'SentryAgent Paid is active',
  write: ({ at, ...charge }) => ({
    paragraphs: [
      charge.isTrial
        ? 'Your trial of SentryAgent Paid has begun. API calls and agents are now unlimited.'
        : 'Your payment has arrived, and SentryAgent Paid is active. API calls and agents are now unlimited.',
      ...(at === null ? [] : [`${chargeOf({ at, ...charge })} ${HOW_TO_STOP}`]),
    ],
    action: billing('View your subscription'),
  }),
};

export const chargeReminder: Template<NextCharge> = {
  subject: 'Your SentryAgent subscription is charged soon',
  write: ({ at, ...charge }) => ({
    paragraphs: [
      charge.isTrial ? 'Your trial of SentryAgent Paid ends soon.' : 'SentryAgent Paid renews soon.',
      ...(at === null ? [] : [chargeOf({ at, ...charge })]),
      HOW_TO_STOP,
    ],
    action: billing('View or cancel your subscription'),
  }),
};

const PAY =
  'Pay the open invoice on the page below. If you only change the card, Stripe charges it at its next attempt.';

export const paymentFailed: Template<FailedPayment> = {
  subject: 'Your payment for SentryAgent failed',
  write: ({ amount, currency, graceEndsAt }) => ({
    paragraphs: [
      `Stripe could not collect ${money(amount, currency)} for SentryAgent Paid. Your bank may have declined the card or may ask you to confirm the payment.`,
      graceEndsAt === null
        ? 'Your tenant is on Free until the payment arrives. Nothing is deleted.'
        : `You keep Paid until ${day(graceEndsAt)}. Then your tenant changes to Free until the payment arrives. Nothing is deleted.`,
      PAY,
    ],
    action: billing('Fix the payment'),
  }),
};

export const graceEnds: Template<GraceEnd> = {
  subject: 'SentryAgent Paid ends soon because a payment failed',
  write: ({ graceEndsAt }) => ({
    paragraphs: [
      `A payment for SentryAgent Paid is still open. If it does not arrive, your tenant changes to Free on ${day(graceEndsAt)}. Free limits the number of agents and the API calls per day. Nothing is deleted.`,
      PAY,
    ],
    action: billing('Fix the payment'),
  }),
};

export const graceEnded: Template<NoData> = {
  subject: 'Your SentryAgent tenant is on Free because a payment failed',
  write: () => ({
    paragraphs: [
      'A payment for SentryAgent Paid is still open, so your tenant is on Free now. All agents and credentials still work within the limits of Free. Nothing is deleted.',
      'As soon as the open invoice is paid, your tenant is on Paid again. Pay it on the page below.',
    ],
    action: billing('Fix the payment'),
  }),
};

const RESUME = 'To keep Paid after that day, select Resume subscription on the page below before it.';

const cancelledWords = ({ endsAt, renewsAt, unpaid }: Cancelled): string[] => {
  if (endsAt === null)
    return [
      'Your subscription to SentryAgent Paid has ended, and Stripe charges nothing more. Your tenant is on Free. All agents and credentials still work within the limits of Free. Nothing is deleted.',
    ];
  if (unpaid)
    return [
      `Your subscription to SentryAgent Paid is cancelled and ends on ${day(endsAt)}.`,
      unpaid === 'free'
        ? 'Your tenant is on Free already. Nothing is deleted.'
        : 'The open invoice stays due, and Stripe tries again to collect it.',
    ];
  const charges =
    renewsAt === undefined
      ? 'Stripe charges nothing more for it.'
      : `Until then it renews as before, next on ${day(renewsAt)}.`;
  return [
    `Your subscription to SentryAgent Paid is cancelled. You keep Paid until ${day(endsAt)}. ${charges}`,
    RESUME,
  ];
};

export const subscriptionCancelled: Template<Cancelled> = {
  subject: 'Your SentryAgent subscription is cancelled',
  write: (data) => ({ paragraphs: cancelledWords(data), action: billing('View your subscription') }),
};
