import type { Session } from '@sentryagent/sdk';
import type { FormProblem } from '#lib/forms/problem.ts';

interface Facts {
  token: string | null;
  /** The address of the link that was just used. */
  confirmed: string | undefined;
  session: Session | null | undefined;
  /** The result of the page's form. */
  form: {
    sent?: true;
    refused?: true;
    problem?: FormProblem;
    values?: { token?: string };
  } | null;
}

/** The state to show. The result of a form takes precedence. */
export type VerificationState =
  | { kind: 'ask'; token: string }
  | { kind: 'confirmed'; email: string }
  | { kind: 'refused' | 'unsent' | 'sent'; email: string; isConfirmed: boolean }
  | { kind: 'refused' | 'visitor'; email?: undefined };

/** The session does not decide whether a link works, because it can be of another address. */
export const verificationState = ({ token, confirmed, session, form }: Facts): VerificationState => {
  const person = session?.user;
  const own = person && { email: person.email, isConfirmed: person.emailVerified };
  if (form?.refused) return own ? { kind: 'refused', ...own } : { kind: 'refused' };
  if (form?.sent && own) return { kind: 'sent', ...own };
  const again = form?.values?.token ?? (form ? null : token);
  if (again !== null) return { kind: 'ask', token: again };
  if (confirmed !== undefined) return { kind: 'confirmed', email: confirmed };
  if (!own) return { kind: 'visitor' };
  return own.isConfirmed ? { kind: 'confirmed', email: own.email } : { kind: 'unsent', ...own };
};

export const verificationTitles: Readonly<Record<VerificationState['kind'], string>> = {
  ask: 'Confirm your email',
  confirmed: 'Email confirmed',
  refused: 'This link no longer works',
  unsent: 'Confirm your email',
  sent: 'Check your inbox',
  visitor: 'Confirm your email',
};
