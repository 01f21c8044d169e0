import type { Pool } from 'pg';
import { notFound } from '../../platform/problem.ts';
import { requireId } from '../../platform/require-id.ts';

interface Own {
  userId: string;
  sessionId: string;
}

/** Every request reads its session from the database, so the session ends in every process. Problem: `not_found`. */
export const endSession = async (
  { peoplePool }: { peoplePool: Pool },
  { userId, sessionId }: Own,
): Promise<void> => {
  requireId('ses', sessionId);
  const { rowCount } = await peoplePool.query(
    'delete from sessions where user_id = $1 and id = $2 and expires_at > now()',
    [userId, sessionId],
  );
  if (rowCount === 0) throw notFound();
};

/** Ends every session of the user but this one. Returns how many. */
export const endOtherSessions = async (
  { peoplePool }: { peoplePool: Pool },
  { userId, sessionId }: Own,
): Promise<number> => {
  const { rowCount } = await peoplePool.query('delete from sessions where user_id = $1 and id <> $2', [
    userId,
    sessionId,
  ]);
  return rowCount ?? 0;
};
