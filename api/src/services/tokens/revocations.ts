import { timeOfId } from '../../platform/ids.ts';
import { lineOf, linksOf, type TokenNames } from './claims.ts';

/** Times are ISO 8601. */
export interface RevocationRows {
  tokens: { jti: string; expires_at: string }[];
  credentials: { credential_id: string; expires_at: string }[];
  marks: { agent_id: string; not_before: string; refused: boolean; expires_at: string }[];
}

/** The revocations of unexpired tokens. Memory grows with their number. */
export interface Revocations {
  has(claims: TokenNames): boolean;
  /**
   * Whether the token was issued after the mark of an inactive agent. An inactive agent gets no token. So the agent is
   * active again, and memory is out of date.
   */
  mayBeLifted(claims: TokenNames): boolean;
  add(rows: RevocationRows): void;
  /** Replaces everything: what is not in `rows` is removed. */
  replace(rows: RevocationRows): void;
  /** Removes what has expired. */
  sweep(): void;
  readonly size: number;
}

interface Mark {
  notBefore: number;
  /** The agent is not active: all its tokens are rejected. */
  refused: boolean;
  expiresAt: number;
}

/** The ids whose revocation revokes the token: its own, its credential, and those of all tokens before it. */
const originsOf = (claims: TokenNames): string[] =>
  lineOf(claims).flatMap(({ jti, credential_id }) => [jti, credential_id]);

/** Expiry uses the database clock. Memory keeps an entry longer than the database, never shorter. */
const LEEWAY_MS = 60_000;

export const createRevocations = (): Revocations => {
  /** Tokens and credentials. Their ids have different prefixes. */
  const ended = new Map<string, number>();
  const marks = new Map<string, Mark>();

  /**
   * The marks of all agents that the token acts for. A mark is compared with the issue time of the agent's own token,
   * however late that was exchanged. The time comes from the token's id, because `iat` has whole seconds only.
   */
  const marksOf = (claims: TokenNames): (Pick<Mark, 'refused'> & { isOlder: boolean })[] =>
    linksOf(claims).flatMap(({ agentId, jti = '' }) => {
      const mark = marks.get(agentId);
      return mark ? [{ refused: mark.refused, isOlder: !(timeOfId(jti) >= mark.notBefore) }] : [];
    });

  const add = ({ tokens, credentials, marks: marked }: RevocationRows): void => {
    for (const { jti, expires_at } of tokens) ended.set(jti, Date.parse(expires_at));
    for (const { credential_id, expires_at } of credentials) ended.set(credential_id, Date.parse(expires_at));
    for (const { agent_id, not_before, refused, expires_at } of marked) {
      marks.set(agent_id, { notBefore: Date.parse(not_before), refused, expiresAt: Date.parse(expires_at) });
    }
  };
  const drop = (isDropped: (expiresAt: number) => boolean): void => {
    for (const [id, expiresAt] of ended) if (isDropped(expiresAt)) ended.delete(id);
    for (const [agentId, { expiresAt }] of marks) if (isDropped(expiresAt)) marks.delete(agentId);
  };

  return {
    has: (claims) =>
      originsOf(claims).some((id) => ended.has(id)) ||
      marksOf(claims).some(({ refused, isOlder }) => refused || isOlder),
    mayBeLifted: (claims) => marksOf(claims).some(({ refused, isOlder }) => refused && !isOlder),
    add,
    replace: (rows) => {
      // An entry that expires about now can be missing in `rows` only because it has expired. `sweep` removes it.
      const soon = Date.now() + LEEWAY_MS;
      drop((expiresAt) => expiresAt > soon);
      add(rows);
    },
    sweep: () => {
      const past = Date.now() - LEEWAY_MS;
      drop((expiresAt) => expiresAt < past);
    },
    get size() {
      return ended.size + marks.size;
    },
  };
};
