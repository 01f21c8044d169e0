import { createHash } from 'node:crypto';
import type { Person } from '../services/people/account.ts';
import type { AttemptLimits } from './attempt-limits.ts';

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
  await verificationTags.consume(createHash('sha256').update(email.replace(TAG, '@')).digest('base64url'));
};
