import type { Scope } from '../../platform/principal.ts';

/** An authenticated agent. */
export interface Client {
  tenantId: string;
  agentId: string;
  credentialId: string;
  /** The number of the secret that it sent. Not set for keys, which never rotate. */
  generation?: number;
  scopes: readonly Scope[];
  /** The assertion, which can be used only once. */
  assertion?: AssertionUse;
  /** Authenticates a cached client again, from the database. Throws a ClientRefusal. */
  proveAnew?: () => Promise<Client>;
}

/** Stored until the assertion expires, so that it cannot be replayed. */
export interface AssertionUse {
  jti: string;
  expiresAt: Date;
}
