import Bowser from 'bowser';
import type { Pool } from 'pg';
import { MOST_SESSIONS } from './account.ts';

export interface SessionEntry {
  id: string;
  createdAt: Date;
  renewedAt: Date;
  expiresAt: Date;
  /** `null`: the user agent names none. */
  browser: string | null;
  system: string | null;
  isCurrent: boolean;
}

interface Row extends Omit<SessionEntry, 'browser' | 'system'> {
  userAgent: string | null;
}

const browsers: ReadonlySet<unknown> = new Set(Object.values(Bowser.BROWSER_MAP));
const systems: ReadonlySet<unknown> = new Set(Object.values(Bowser.OS_MAP));

/** Bowser takes a name from any text. Only one that it knows is shown. */
const known = (names: ReadonlySet<unknown>, name: string | undefined): string | null =>
  name !== undefined && names.has(name) ? name : null;

const describe = ({ userAgent, ...session }: Row): SessionEntry => {
  const { browser, os } = userAgent ? Bowser.parse(userAgent) : {};
  return { ...session, browser: known(browsers, browser?.name), system: known(systems, os?.name) };
};

/** The live sessions of a user: the current one, then the newest. Never returns a token. */
export const listSessions = async (
  { peoplePool }: { peoplePool: Pool },
  { userId, sessionId }: { userId: string; sessionId: string },
): Promise<SessionEntry[]> => {
  const { rows } = await peoplePool.query<Row>(
    `select id, created_at as "createdAt", updated_at as "renewedAt", expires_at as "expiresAt",
       user_agent as "userAgent", id = $2 as "isCurrent"
     from sessions where user_id = $1 and expires_at > now()
     order by (id = $2) desc, created_at desc, id desc limit ${MOST_SESSIONS}`,
    [userId, sessionId],
  );
  return rows.map(describe);
};
