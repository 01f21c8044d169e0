import { timeOfId } from '../../platform/ids.ts';
import { lineOf, linksOf } from './claims.ts';
import type { TokenNames } from './claims.ts';

/** As the feed reads them; times are ISO 8601. */
export interface RevocationRows {
  tokens: { jti: string; expires_at: string }[];
  credentials: { credential_id: string; expires_at: string }[];
  marks: { agent_id: string; not_before: string; refused: boolean; expires_at: string }[];
}

/** Which of the tokens that still live are not to be accepted: as much memory as there are of these. */
export interface Revocations {
  has(claims: TokenNames): boolean;
  /**
   * Whether it is of an agent that was known as not active, and was issued after that: nobody gets a token then, so
   * the agent must be active again and the news on its way.
   */
  mayBeLifted(claims: TokenNames): boolean;
  add(rows: RevocationRows): void;
  /** Takes these for all that there are: what is not among them holds no longer. */
  replace(rows: RevocationRows): void;
  /** Drops what has ended by itself. */
  sweep(): void;
  readonly size: number;
}

interface Mark {
  notBefore: number;
  /** The agent is not active: whatever it holds is refused. */
  refused: boolean;
  expiresAt: number;
}

/** The token and its credential, and those that it was exchanged from: it ends with any of them. */
const originsOf = (claims: TokenNames): string[] =>
  lineOf(claims).flatMap(({ jti, credential_id }) => [jti, credential_id]);

/** Ends are the database's times: what it has dropped may stay here a little longer, never the other way. */
const LEEWAY_MS = 60_000;

export const createRevocations = (): Revocations => {
  /** Tokens and credentials: their ids are of different kinds. */
  const ended = new Map<string, number>();
  const marks = new Map<string, Mark>();

  /**
   * The marks of everyone that the token speaks for. An agent is spoken for since it was issued its own token of the
   * line, however late that was exchanged. A token tells its second; its id, the millisecond.
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
      // What ends about now may be left out for that alone: it is swept.
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
