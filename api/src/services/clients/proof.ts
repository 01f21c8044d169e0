import type { Client } from './client.ts';
import { ClientRefusal } from './client-refusal.ts';

/** A credential whose possession was proved. It may be revoked or expired. */
export interface Proof {
  client: Client;
  /** The agent is active and the credential is not revoked. */
  enabled: boolean;
  expiresAt: Date | null;
}

const hasExpired = ({ expiresAt }: Proof, now: Date): boolean => expiresAt !== null && expiresAt <= now;

export const isLive = (proof: Proof, now: Date): boolean => proof.enabled && !hasExpired(proof, now);

/** Only the holder of the correct secret or key sees the expiry date. OAuthError: `invalid_client`. */
export const refuseExpired = (proof: Proof, now: Date): void => {
  if (!hasExpired(proof, now)) return;
  const day = proof.expiresAt!.toISOString().slice(0, 10);
  throw new ClientRefusal(
    'expired',
    `This credential expired on ${day}. Create a new one for the agent.`,
    proof.client.credentialId,
  );
};
