import type { Scope } from '../../platform/principal.ts';

/** An agent that has proved itself. */
export interface Client {
  tenantId: string;
  agentId: string;
  credentialId: string;
  /** Which of the credential's secrets it proved itself with; a proof that is never rotated has none. */
  generation?: number;
  scopes: readonly Scope[];
  /** What it proved itself with, where that may be used only once. */
  assertion?: AssertionUse;
  /** Authenticates a cached client again, from the database. Throws a ClientRefusal. */
  proveAnew?: () => Promise<Client>;
}

/** Kept until the assertion has expired, so that nobody uses it again. */
export interface AssertionUse {
  jti: string;
  expiresAt: Date;
}
