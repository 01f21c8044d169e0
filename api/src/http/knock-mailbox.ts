import { createHash } from 'node:crypto';
import type { Person } from '../services/people/account.ts';
import type { Doors } from './doors.ts';

const TAG = /\+[^@]*@/;

/**
 * Many mail servers deliver `name+tag@` to `name@`, and anyone can make such addresses up. So all of them share one
 * allowance; `name@` itself has that of its person, which nobody else uses up.
 */
export const knockMailbox = async (
  { verificationTags }: Doors,
  { email }: Pick<Person, 'email'>,
): Promise<void> => {
  if (!TAG.test(email)) return;
  await verificationTags.knock(createHash('sha256').update(email.replace(TAG, '@')).digest('base64url'));
};
