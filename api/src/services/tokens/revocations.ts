import { timeOfId } from '../../platform/ids.ts';
import { actorsOf } from './access-token.ts';
import type { AccessTokenClaims } from './access-token.ts';

/** As the feed reads them; times are ISO 8601. */
export interface RevocationRows {
  tokens: { jti: string; expires_at: string }[];
  credentials: { credential_id: string; expires_at: string }[];
  marks: { agent_id: string; not_before: string; refused: boolean; expires_at: string }[];
}

type TokenNames = Pick<AccessTokenClaims, 'jti' | 'sub' | 'act' | 'credential_id' | 'exchanged_from'>;

/** Which of the tokens that still live are not to be accepted: as much memory as there are of these. */
export interface Revocations {
  has(claims: TokenNames): boolean;
  /**
   * Whether it is of an agent that was known as not active, and was issued after that: nobody gets a token then, so
   * the agent must be active again and the news on its way.
   */
  mayBeLifted(claims: TokenNames): boolean;
  add(rows: RevocationRows): void;
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

/** Everyone that the token speaks for: it ends with any of them. */
const agentsOf = (claims: TokenNames): string[] => [claims.sub, ...actorsOf(claims)];

/** The token and its credential, and those that it was exchanged from: it ends with any of them, too. */
const originsOf = ({ jti, credential_id, exchanged_from = [] }: TokenNames): string[] =>
  [{ jti, credential_id }, ...exchanged_from].flatMap((origin) => [origin.jti, origin.credential_id]);

/** Ends are the database's times: what it has dropped may stay here a little longer, never the other way. */
const LEEWAY_MS = 60_000;

export const createRevocations = (): Revocations => {
  /** Tokens and credentials: their ids are of different kinds. */
  const ended = new Map<string, number>();
  const marks = new Map<string, Mark>();

  /** A token tells its second; its id, the millisecond. */
  const isOlder = ({ notBefore }: Mark, jti: string): boolean => !(timeOfId(jti) >= notBefore);
  const marksOf = (claims: TokenNames): Mark[] =>
    agentsOf(claims).flatMap((agentId) => marks.get(agentId) ?? []);

  return {
    has: (claims) =>
      originsOf(claims).some((id) => ended.has(id)) ||
      marksOf(claims).some((mark) => mark.refused || isOlder(mark, claims.jti)),
    mayBeLifted: (claims) => marksOf(claims).some((mark) => mark.refused && !isOlder(mark, claims.jti)),
    add: (rows) => {
      for (const { jti, expires_at } of rows.tokens) ended.set(jti, Date.parse(expires_at));
      for (const { credential_id, expires_at } of rows.credentials) {
        ended.set(credential_id, Date.parse(expires_at));
      }
      for (const { agent_id, not_before, refused, expires_at } of rows.marks) {
        marks.set(agent_id, {
          notBefore: Date.parse(not_before),
          refused,
          expiresAt: Date.parse(expires_at),
        });
      }
    },
    sweep: () => {
      const past = Date.now() - LEEWAY_MS;
      for (const [id, expiresAt] of ended) if (expiresAt < past) ended.delete(id);
      for (const [agentId, { expiresAt }] of marks) if (expiresAt < past) marks.delete(agentId);
    },
    get size() {
      return ended.size + marks.size;
    },
  };
};
