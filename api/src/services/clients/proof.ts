import type { Client } from './client.ts';
import { ClientRefusal } from './client-refusal.ts';

/** A credential that somebody has shown to hold; it may have ended. */
export interface Proof {
  client: Client;
  /** Its agent is active and it is not revoked. */
  enabled: boolean;
  expiresAt: Date | null;
}

const hasExpired = ({ expiresAt }: Proof, now: Date): boolean => expiresAt !== null && expiresAt <= now;

export const isLive = (proof: Proof, now: Date): boolean => proof.enabled && !hasExpired(proof, now);

/** Says to its holder, and to nobody else, since when. OAuthError: `invalid_client`. */
export const refuseExpired = (proof: Proof, now: Date): void => {
  if (!hasExpired(proof, now)) return;
  const day = proof.expiresAt!.toISOString().slice(0, 10);
  throw new ClientRefusal(
    'expired',
    `This credential expired on ${day}. Create a new one for the agent.`,
    proof.client.credentialId,
  );
};
