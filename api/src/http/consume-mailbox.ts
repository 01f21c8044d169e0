import type { Person } from '../services/people/account.ts';
import { Problem } from '../platform/problem.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { digestKey } from './limiter.ts';

const TAG = /\+[^@]*@/;

/**
 * Many mail servers deliver `name+tag@` to `name@`, and anyone can sign up with such addresses. So all of them share
 * one limit. `name@` itself has the limit of its user, which nobody else can use up.
 */
export const consumeMailbox = async (
  { verificationTags }: AttemptLimits,
  { email }: Pick<Person, 'email'>,
): Promise<void> => {
  if (!TAG.test(email)) return;
  await verificationTags.consume(digestKey(email.replace(TAG, '@')));
};

/** Counts a mail like `consumeMailbox`, but returns whether the limit is reached. */
export const isMailboxCrowded = async (
  limits: AttemptLimits,
  person: Pick<Person, 'email'>,
): Promise<boolean> => {
  try {
    await consumeMailbox(limits, person);
    return false;
  } catch (error) {
    if (error instanceof Problem && error.code === 'rate_limited') return true;
    throw error;
  }
};
