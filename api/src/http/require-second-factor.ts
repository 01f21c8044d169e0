import { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { Person } from '../services/people/account.ts';
import { requirePassword } from '../services/people/sign-in.ts';
import type { Proof } from '../services/two-factor/use-proof.ts';
import type { AttemptLimits } from './attempt-limits.ts';
import type { Request } from './route.ts';
import { attemptOf } from './signed-in.ts';

export const code = z.string().min(1).max(64).meta({ description: 'Six digits, as the app shows them.' });

export const password = z.string().min(1).max(128);

/** Exactly one of the two. */
export const proofFields = {
  code: code.optional(),
  recoveryCode: z.string().min(1).max(64).optional(),
};

export const hasOneProof = (body: {
  code?: string | undefined;
  recoveryCode?: string | undefined;
}): boolean => (body.code === undefined) !== (body.recoveryCode === undefined);

export const ONE_PROOF = { error: 'must have either code or recoveryCode' };

/** Apps show a code in two groups of three, and people type the space. */
export const trimCode = (text: string): string => text.replaceAll(/\s/g, '');

export const proofOf = ({
  code: shown,
  recoveryCode = '',
}: {
  code?: string | undefined;
  recoveryCode?: string | undefined;
}): Proof => (shown === undefined ? { recoveryCode } : { code: trimCode(shown) });

/** Recovery codes cannot be guessed, so they have no limit of their own and work when codes do not. */
export const countProof = async (limits: AttemptLimits, userId: string, proof: Proof): Promise<void> => {
  if ('recoveryCode' in proof) return;
  await limits.codes.consume(userId);
  await limits.codesADay.consume(userId);
};

/** A signed-in user proves the password again, within the limits of a sign-in. Problem: `invalid_credentials`. */
export const requirePasswordAgain = (
  deps: Deps,
  limits: AttemptLimits,
  { request, user, password: given }: { request: Request; user: Person; password: string },
): Promise<void> =>
  limits.hashing.knownSignIn.run(() =>
    limits.accounts.run(attemptOf(deps, user.email, request), () => requirePassword(deps, user, given)),
  );
