/** Who acts for the subject, the newest outermost (RFC 8693 section 4.1). A `sub` is unique to its `iss` alone. */
export interface Actor {
  iss: string;
  sub: string;
  act?: Actor;
}

/** A token of a line, and what its client proved itself with. */
export interface Link {
  jti: string;
  credential_id: string;
  /** Tokens of the version before say it of themselves alone, and not of those that they were exchanged from. */
  credential_generation?: number;
}

/** RFC 9068 section 2.2, the tenant, and what the token ends with. Times are seconds. */
export interface AccessTokenClaims {
  iss: string;
  /** The one resource that it is for: the API, or one of the tenant's. */
  aud: string;
  /** The agent that it speaks for: the client itself, unless `act` says that the client acts for another. */
  sub: string;
  client_id: string;
  act?: Actor;
  tenant_id: string;
  /** What the client proved itself with: the credential, and which of its secrets (a key has one, 0). */
  credential_id: string;
  credential_generation: number;
  /** The whole line, the newest first: the token ends with any of them, and they may have expired before. */
  exchanged_from?: Link[];
  scope: string;
  jti: string;
  iat: number;
  exp: number;
}

/** The newest first. */
export const actorsOf = ({ act }: { act?: Actor | undefined }): string[] =>
  act ? [act.sub, ...actorsOf(act)] : [];

/** The token itself, and those that it was exchanged from, the newest first. */
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

/** Each agent that the token speaks for, the newest first, with the token that it was issued itself. */
export const linksOf = (claims: TokenNames): ({ agentId: string } & Partial<Link>)[] => {
  const line = lineOf(claims);
  return [...actorsOf(claims), claims.sub].map((agentId, place) => ({ agentId, ...line[place] }));
};
