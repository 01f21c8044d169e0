import type { Deps } from '../deps.ts';
import type { Person } from '../services/people/account.ts';
import { requestVerification } from '../services/people/email-verification.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import { consumeMailbox } from './consume-mailbox.ts';

/** The account already exists, so a failure is only logged. The user can request another link. */
export const verifyNewPerson = async (deps: Deps, limits: AttemptLimits, person: Person): Promise<void> => {
  try {
    await consumeMailbox(limits, person);
    await requestVerification(deps, person);
  } catch (error) {
    deps.logger.warn({ err: error, userId: person.id }, 'queueing the confirmation mail failed');
  }
};
