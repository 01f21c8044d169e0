import type { Deps } from '../deps.ts';
import type { Person } from '../services/people/account.ts';
import { requestVerification } from '../services/people/request-verification.ts';
import type { Doors } from './doors.ts';
import { knockMailbox } from './knock-mailbox.ts';

/** The account is made by now, so a mail that cannot be queued fails nothing: its person may ask for another. */
export const verifyNewPerson = async (deps: Deps, doors: Doors, person: Person): Promise<void> => {
  try {
    await knockMailbox(doors, person);
    await requestVerification(deps, person);
  } catch (error) {
    deps.logger.warn({ err: error, userId: person.id }, 'queueing the confirmation mail failed');
  }
};
