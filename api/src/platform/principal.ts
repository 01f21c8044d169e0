/** What a token allows. Only scopes grant anything. `capabilities` only describe an agent. */
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

export const roles = ['owner', 'admin', 'member'] as const;

export type Role = (typeof roles)[number];

/** The credential that an agent authenticated with, and the number of its secret. */
export interface ShownCredential {
  agentId: string;
  /** Missing if the token does not have it. Then the credential counts as expired. */
  credentialId: string | undefined;
  generation: number | undefined;
}

/** The access token of an agent's request. */
export interface PresentedToken {
  jti: string;
  /** The agent that it was issued to: the subject, or the newest actor. */
  clientId: string;
  /** The credential that this agent authenticated with, and the number of its secret. */
  credentialId: string;
  generation: number;
  /** The actors, newest first. Empty unless the token was exchanged. */
  actors: readonly string[];
  /** The credentials of the earlier clients of the chain, newest first. Empty unless the token was exchanged. */
  exchangedFrom: readonly ShownCredential[];
}

interface Caller {
  tenantId: string;
  /** The agent or member. For an exchanged token: the subject, because the actor does not own what belongs to it. */
  id: string;
  scopes: readonly Scope[];
}

/** The caller, as services see it. Agents authenticate with a token, members with a session. */
export type Principal = Caller &
  ({ kind: 'agent'; token: PresentedToken } | { kind: 'member'; token?: undefined });

/** The agents of the caller's token: the subject and the actors. */
export const agentsOf = ({ id, token }: Principal): string[] =>
  token ? [...new Set([id, ...token.actors])] : [];

/** A member's scopes follow the role. All members can read. Owners and admins can change. */
export const scopesOfRole = (role: Role): readonly Scope[] =>
  role === 'member' ? scopes.filter((scope) => scope.endsWith(':read')) : scopes;

/** The origin of a request, for the audit log. */
export interface Origin {
  requestId: string;
  ip: string;
  userAgent: string | null;
}
