import { z } from 'zod';
import type { Proof } from '../services/two-factor/use-proof.ts';
import type { AttemptLimits } from './attempt-limits.ts';

export const code = z.string().min(1).max(64).meta({ description: 'Six digits, as the app shows them.' });

interface ProofFields {
  code?: string | undefined;
  recoveryCode?: string | undefined;
}

/** Exactly one of the two. */
export const proofFields = {
  code: code.optional(),
  recoveryCode: z.string().min(1).max(64).optional(),
};

export const hasOneProof = (body: ProofFields): boolean =>
  (body.code === undefined) !== (body.recoveryCode === undefined);

export const ONE_PROOF = { error: 'must have either code or recoveryCode' };

/** Apps show a code in two groups of three, and people type the space. */
export const trimCode = (text: string): string => text.replaceAll(/\s/g, '');

export const proofOf = ({ code: shown, recoveryCode = '' }: ProofFields): Proof =>
  shown === undefined ? { recoveryCode } : { code: trimCode(shown) };

/** Recovery codes cannot be guessed, so they have no limit of their own and work when codes do not. */
export const countProof = async (limits: AttemptLimits, userId: string, proof: Proof): Promise<void> => {
  if ('recoveryCode' in proof) return;
  await limits.codes.consume(userId);
  await limits.codesADay.consume(userId);
};
