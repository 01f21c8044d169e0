import { OAuthError } from '../../platform/oauth-error.ts';

/**
 * Why a client was refused. Only the audit log has it, never the response. `not_live`: the agent or the credential is
 * not active. The log says which.
 */
export type RefusalReason =
  'wrong_secret' | 'wrong_signature' | 'wrong_assertion' | 'expired' | 'not_live' | 'replayed';

/** `invalid_client` for a known client id. */
export class ClientRefusal extends OAuthError {
  readonly reason: RefusalReason;
  /** The credential whose possession the client has proved, if any. */
  readonly credentialId: string | undefined;

  constructor(reason: RefusalReason, description: string, credentialId?: string) {
    super('invalid_client', description);
    this.reason = reason;
    this.credentialId = credentialId;
  }
}
