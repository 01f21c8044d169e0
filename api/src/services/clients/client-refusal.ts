import { OAuthError } from '../../platform/oauth-error.ts';

/**
 * Why a client was refused: for the audit log, and never for the client. `not_live`: its agent or its credential has
 * ended, and the log says which.
 */
export type RefusalReason =
  'wrong_secret' | 'wrong_signature' | 'wrong_assertion' | 'expired' | 'not_live' | 'replayed';

/** `invalid_client` for one whose name is known. */
export class ClientRefusal extends OAuthError {
  readonly reason: RefusalReason;
  /** What it has shown to hold, if anything. */
  readonly credentialId: string | undefined;

  constructor(reason: RefusalReason, description: string, credentialId?: string) {
    super('invalid_client', description);
    this.reason = reason;
    this.credentialId = credentialId;
  }
}
