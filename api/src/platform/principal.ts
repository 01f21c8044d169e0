/** What a token may do. `capabilities` describe an agent; scopes alone decide. */
export const scopes = [
  'agents:read',
  'agents:write',
  'tokens:read',
  'audit:read',
  'billing:read',
  'billing:write',
  'trust:write',
] as const;

export type Scope = (typeof scopes)[number];

export type Role = 'owner' | 'admin' | 'member';

/** Who is asking: all that a service may know of the caller. */
export interface Principal {
  tenantId: string;
  kind: 'agent' | 'member';
  id: string;
  scopes: readonly Scope[];
  /** The agent that acts for this one, by an exchanged token: what is the agent's own is not the actor's. */
  actor?: string;
}

/** A member's scopes follow the role: everyone may read, owners and admins may change. */
export const scopesOfRole = (role: Role): readonly Scope[] =>
  role === 'member' ? scopes.filter((scope) => scope.endsWith(':read')) : scopes;

/** Where a request came from, as the audit log tells it. */
export interface Origin {
  requestId: string;
  ip: string;
  userAgent: string | null;
}
