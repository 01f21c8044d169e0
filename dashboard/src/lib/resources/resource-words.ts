import { plural } from '#lib/format/numbers.ts';

/** Error codes → messages that replace the API's: why nothing was changed, and what to do next. */
export const resourceWords = {
  forbidden:
    'Only an owner or admin of your tenant can change resources and grant their scopes. Ask one of them.',
} as const;

/** "15 minutes", or seconds if they are no whole minutes. */
export const lifetimeWords = (seconds: number): string => {
  const [count, unit] = seconds % 60 === 0 ? [seconds / 60, 'minute'] : [seconds, 'second'];
  return `${count} ${plural(count, unit)}`;
};
