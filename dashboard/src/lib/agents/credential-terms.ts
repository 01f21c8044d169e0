import { DAY_MS, formatShortDay } from '#lib/format/dates.ts';
import type { Choice } from './agent-choices.ts';

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
    : [...choices, { value: given, name: 'The time that you chose before' }];
};

/** How long the old secret still works after a rotation, in seconds. */
export const overlapChoices: readonly Choice[] = [
  { value: '0', name: '0 hours (it stops working immediately)' },
  { value: '3600', name: '1 hour' },
  { value: '86400', name: '24 hours' },
  { value: '604800', name: '7 days' },
];

export const defaultOverlap = '86400';
