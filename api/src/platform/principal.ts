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

export const roles = ['owner', 'admin', 'member'] as const;

export type Role = (typeof roles)[number];

/** What an agent proved itself with: the credential, and which of its secrets. */
export interface ShownCredential {
  agentId: string;
  /** Unknown of a link that the token says too little of: as good as ended. */
  credentialId: string | undefined;
  generation: number | undefined;
}

/** The access token that an agent's request came with. */
export interface PresentedToken {
  jti: string;
  /** The agent that it was issued to: the subject itself, or the newest of the actors. */
  clientId: string;
  /** What that agent proved itself with: the credential, and which of its secrets. */
  credentialId: string;
  generation: number;
  /** Who acts for the subject, the newest first; none unless the token was exchanged. */
  actors: readonly string[];
  /** What those before the client proved themselves with, the newest first; none unless the token was exchanged. */
  exchangedFrom: readonly ShownCredential[];
}

interface Caller {
  tenantId: string;
  /** Of an exchanged token, the subject: what is the subject's own is not the actor's. */
  id: string;
  scopes: readonly Scope[];
}

/** Who is asking: all that a service may know of the caller. An agent comes with a token, a member with a session. */
export type Principal = Caller &
  ({ kind: 'agent'; token: PresentedToken } | { kind: 'member'; token?: undefined });

/** The agents that a caller's token speaks for: the subject, and who acts for it. */
export const speakersOf = ({ id, token }: Principal): string[] =>
  token ? [...new Set([id, ...token.actors])] : [];

/** A member's scopes follow the role: everyone may read, owners and admins may change. */
export const scopesOfRole = (role: Role): readonly Scope[] =>
  role === 'member' ? scopes.filter((scope) => scope.endsWith(':read')) : scopes;

/** Where a request came from, as the audit log tells it. */
export interface Origin {
  requestId: string;
  ip: string;
  userAgent: string | null;
}
