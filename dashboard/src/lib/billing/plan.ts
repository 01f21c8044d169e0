import type { Tier, Usage } from '@sentryagent/sdk';
import { formatDay } from '#lib/format/dates.ts';
import { formatMoney, formatNumber } from '#lib/format/numbers.ts';

export const statusWords: Readonly<Record<Usage['status'], string>> = {
  active: 'active',
  trial: 'trial',
  past_due: 'past due',
  payment_failed: 'payment failed',
  paused: 'paused',
  cancelled: 'cancelled',
};

/** How the status looks. */
export const statusTones = {
  active: 'good',
  trial: 'info',
  past_due: 'warning',
  payment_failed: 'danger',
  paused: 'warning',
  cancelled: 'neutral',
} as const satisfies Record<Usage['status'], string>;

/** Whether the tenant has a subscription that needs a payment or a card. It is fixed in Stripe's portal, not bought again. */
export const needsPayment = (status: Usage['status'] | undefined): boolean =>
  status === 'past_due' || status === 'payment_failed' || status === 'paused';

export const tierWords: Readonly<Record<Usage['tier'], string>> = { free: 'Free', paid: 'Paid' };

/** "Free, active" */
export const planWords = ({ tier, status }: Pick<Usage, 'tier' | 'status'>): string =>
  `${tierWords[tier]}, ${statusWords[status]}`;

/** "Renews December 1, 2026 (UTC)", if there is a date. An end date takes precedence over a renewal. */
export const planDate = ({ renewsAt, endsAt }: Pick<Usage, 'renewsAt' | 'endsAt'>): string | null => {
  if (endsAt) return `Ends ${formatDay(endsAt)} (UTC)`;
  return renewsAt ? `Renews ${formatDay(renewsAt)} (UTC)` : null;
};

/** "$49 a month". `null`: the tier costs nothing. */
export const priceWords = ({ price }: Pick<Tier, 'price'>): string | null =>
  price && `${formatMoney(price.amount, price.currency)} a ${price.interval}`;

/** "10 active agents and 1,000 API calls a day." */
export const limitWords = ({ limits }: Pick<Tier, 'limits'>): string => {
  const { agents, apiCallsPerDay } = limits;
  if (agents === null && apiCallsPerDay === null) return 'Unlimited agents and API calls.';
  const words = (limit: number | null) => (limit === null ? 'Unlimited' : formatNumber(limit));
  return `${words(agents)} active agents and ${words(apiCallsPerDay).toLowerCase()} API calls a day.`;
};
