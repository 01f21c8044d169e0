import type { Invoice } from '@sentryagent/sdk';
import { formatMoney, formatNumber, plural } from '#lib/format/numbers.ts';

interface Mark {
  name: string;
  tone: 'neutral' | 'good' | 'warning' | 'danger';
}

const statuses: Readonly<Record<Invoice['status'], Mark>> = {
  draft: { name: 'Draft', tone: 'neutral' },
  open: { name: 'Open', tone: 'warning' },
  paid: { name: 'Paid', tone: 'good' },
  uncollectible: { name: 'Not paid', tone: 'danger' },
  void: { name: 'Void', tone: 'neutral' },
};

const refundOf = ({ amountRefunded, amountPaid, currency }: Invoice): Mark[] => {
  if (amountRefunded <= 0) return [];
  const isWhole = amountRefunded >= amountPaid;
  return [
    { name: isWhole ? 'Refunded' : `${formatMoney(amountRefunded, currency)} refunded`, tone: 'neutral' },
  ];
};

/** Its status, and what has happened to its payment since. */
export const marksOf = (invoice: Invoice): Mark[] => [
  statuses[invoice.status],
  ...refundOf(invoice),
  ...(invoice.isDisputed ? [{ name: 'Disputed', tone: 'warning' } as const] : []),
];

/** "$49": what was paid, or is to be paid. */
export const amountWords = ({ status, amountPaid, amountDue, currency }: Invoice): string =>
  formatMoney(status === 'paid' ? amountPaid : amountDue, currency);

/** "1,204 API calls, 87 tokens" */
export const usageWords = ({ usage }: Pick<Invoice, 'usage'>): string => {
  const { api_calls: calls, token_issuances: tokens } = usage;
  return `${formatNumber(calls)} ${plural(calls, 'API call')}, ${formatNumber(tokens)} ${plural(tokens, 'token')}`;
};
