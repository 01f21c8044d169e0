import type { Session } from '@sentryagent/sdk';
import type { FormProblem } from '#lib/forms/problem.ts';

interface Facts {
  token: string | null;
  /** The address of the link that was just used. */
  confirmed: string | undefined;
  session: Session | null | undefined;
  /** What the page's form was answered. */
  form: {
    sent?: true;
    refused?: true;
    problem?: FormProblem;
    values?: { token?: string };
  } | null;
}

/** What the page is about; an answer to a form comes before what the page knew before. */
export type VerificationState =
  | { kind: 'ask'; token: string }
  | { kind: 'confirmed'; email: string }
  | { kind: 'refused' | 'unsent' | 'sent'; email: string; isConfirmed: boolean }
  | { kind: 'refused' | 'visitor'; email?: undefined };

/** Whether a link works is never told by the session: that may be of another address. */
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

/** The heading, which is the page's title too. */
export const verificationTitles: Readonly<Record<VerificationState['kind'], string>> = {
  ask: 'Confirm your email',
  confirmed: 'Email confirmed',
  refused: 'This link no longer works',
  unsent: 'Confirm your email',
  sent: 'Check your inbox',
  visitor: 'Confirm your email',
};
