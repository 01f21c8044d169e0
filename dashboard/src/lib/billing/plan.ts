import type { Usage } from '@sentryagent/sdk';
import { formatDay } from '#lib/format/dates.ts';

const statusWords: Readonly<Record<Usage['status'], string>> = {
  active: 'active',
  trial: 'trial',
  past_due: 'past due',
  cancelled: 'cancelled',
};

const tierWords: Readonly<Record<Usage['tier'], string>> = { free: 'Free', paid: 'Paid' };

/** "Free, active" */
export const planWords = ({ tier, status }: Pick<Usage, 'tier' | 'status'>): string =>
  `${tierWords[tier]}, ${statusWords[status]}`;

/** "Renews December 1, 2026 (UTC)", if there is a date. An end date takes precedence over a renewal. */
export const planDate = ({ renewsAt, endsAt }: Pick<Usage, 'renewsAt' | 'endsAt'>): string | null => {
  if (endsAt) return `Ends ${formatDay(endsAt)} (UTC)`;
  return renewsAt ? `Renews ${formatDay(renewsAt)} (UTC)` : null;
};
