import type { TestApi } from './api.ts';
import { post } from './callers.ts';
import type { Reply, TestMember } from './callers.ts';
import { atFullCost } from './password-cost.ts';

const PASSWORD = 'correct horse battery';

let people = 0;

/** So many strangers who sign up, or try to sign in, all at once. */
export const floodWith = (api: TestApi, path: '/auth/sign-up' | '/auth/sign-in', count: number) =>
  atFullCost(() =>
    Promise.all(
      Array.from({ length: count }, () =>
        post(api, path, { email: `flood-${++people}@example.com`, password: PASSWORD }),
      ),
    ),
  );

export interface Seen {
  /** What the strangers were answered. */
  replies: Reply[];
  /** How often the member was answered with each status. */
  statuses: Record<number, number>;
  /** The most that waited for a connection of the people's pool. */
  mostWaiting: number;
}

/** A member who asks for the session again and again, four times at once, until the flood is over. */
export const readSessionsDuring = async (
  { deps }: TestApi,
  member: TestMember,
  flood: Promise<Reply[]>,
): Promise<Seen> => {
  const statuses: Record<number, number> = {};
  let [done, mostWaiting] = [false, 0];
  const ask = async (): Promise<void> => {
    while (!done) {
      const { status } = await member.get('/auth/session');
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const watch = setInterval(() => {
    mostWaiting = Math.max(mostWaiting, deps.peoplePool.waitingCount);
  }, 1);
  const asking = [ask(), ask(), ask(), ask()];
  const replies = await flood.finally(() => {
    done = true;
    clearInterval(watch);
  });
  await Promise.all(asking);
  return { replies, statuses, mostWaiting };
};
