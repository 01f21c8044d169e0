import { dayOfEpoch, epochDay } from '@sentryagent/workflows/rules/period';
import { fieldProblem } from '../../platform/field-problem.ts';

/** UTC days as `YYYY-MM-DD`, both inclusive. */
export interface Days {
  from: string;
  to: string;
}

const DEFAULT_DAYS = 30;
/** A leap year. */
const MAX_DAYS = 366;

const numberOf = (day: string): number => epochDay(new Date(day));

const refuse = (words: string): never => {
  throw fieldProblem([{ path: ['query', 'from'], words }]);
};

/** The days that are asked for. Default: the 30 days until today. Problem: `validation_failed`. */
export const historyDays = (
  asked: { from?: string | undefined; to?: string | undefined },
  today: string,
): Days => {
  const { to = today } = asked;
  const { from = dayOfEpoch(numberOf(to) - DEFAULT_DAYS + 1) } = asked;
  if (from > to) refuse('must not be after to, which is today by default');
  if (numberOf(to) - numberOf(from) >= MAX_DAYS) {
    refuse(`must be at most ${MAX_DAYS - 1} days before to. Ask for one year at a time`);
  }
  return { from, to };
};

export const listDays = ({ from, to }: Days): string[] =>
  Array.from({ length: numberOf(to) - numberOf(from) + 1 }, (_, i) => dayOfEpoch(numberOf(from) + i));
