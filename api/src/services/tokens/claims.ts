/** Who acts for the subject, newest first (RFC 8693 section 4.1). A `sub` is unique only within its `iss`. */
export interface Actor {
  iss: string;
  sub: string;
  act?: Actor;
}

/** A token in a chain of exchanges, with the credential of its client. */
export interface Link {
  jti: string;
  credential_id: string;
  /** Missing for exchanged tokens of the previous version. */
  credential_generation?: number;
}

/** RFC 9068 section 2.2, the tenant, and the ids whose revocation revokes the token. Times are in seconds. */
export interface AccessTokenClaims {
  iss: string;
  /** The API, or one resource of the tenant. */
  aud: string;
  /** The client itself, unless `act` says that the client acts for another agent. */
  sub: string;
  client_id: string;
  act?: Actor;
  tenant_id: string;
  /** The credential of the client, and the number of its secret (0 for a key). */
  credential_id: string;
  credential_generation: number;
  /** All tokens that it was exchanged from, newest first. It is revoked with any of them, even an expired one. */
  exchanged_from?: Link[];
  scope: string;
  jti: string;
  iat: number;
  exp: number;
}

/** Newest first. */
export const actorsOf = ({ act }: { act?: Actor | undefined }): string[] =>
  act ? [act.sub, ...actorsOf(act)] : [];

/** The token and all tokens that it was exchanged from, newest first. */
export const lineOf = ({
  jti,
  credential_id,
  credential_generation,
  exchanged_from = [],
}: Link & { exchanged_from?: Link[] }): Link[] => [
  { jti, credential_id, credential_generation },
  ...exchanged_from,
];

export type TokenNames = Link & Pick<AccessTokenClaims, 'sub' | 'act' | 'exchanged_from'>;

/** Each agent that the token acts for, newest first, with the token that was issued to that agent. */
export const linksOf = (claims: TokenNames): ({ agentId: string } & Partial<Link>)[] => {
  const line = lineOf(claims);
  return [...actorsOf(claims), claims.sub].map((agentId, place) => ({ agentId, ...line[place] }));
};
