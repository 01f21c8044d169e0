import { ApiError } from '@sentryagent/sdk';
import { until } from '../../../dev/test/support/until.ts';

/** Asks again for as long as it is 503: a machine that is busy with tests may need more than the promised seconds. */
export const insist = async <T>(ask: () => Promise<T>, boundMs = 30_000): Promise<T> => {
  let answer: { value: T } | { error: unknown } | undefined;
  await until(
    'it is answered',
    async () => {
      answer = await ask().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      return !('error' in answer && answer.error instanceof ApiError && answer.error.status === 503);
    },
    boundMs,
  );
  if (answer && 'value' in answer) return answer.value;
  throw answer?.error;
};
