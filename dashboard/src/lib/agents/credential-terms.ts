import { formatShortDay } from '#lib/format/dates.ts';

interface Choice {
  value: string;
  name: string;
}

const DAY_MS = 86_400_000;

const lives = [
  { days: 30, name: '30 days' },
  { days: 90, name: '90 days' },
  { days: 365, name: '1 year' },
];

/**
 * When a new credential can expire. The values are times, so a form that is sent twice says the same twice. A form that
 * was refused has a time of before, which is offered again.
 */
export const expiryChoices = (now: string, given = ''): Choice[] => {
  const offered = lives.map(({ days, name }) => {
    const value = new Date(Date.parse(now) + days * DAY_MS).toISOString();
    return { value, name: `In ${name} (${formatShortDay(value)})` };
  });
  const choices = [{ value: '', name: 'Never' }, ...offered];
  return choices.some(({ value }) => value === given)
    ? choices
    : [...choices, { value: given, name: 'As chosen before' }];
};
