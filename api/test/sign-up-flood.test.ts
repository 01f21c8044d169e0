import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { post, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';

const PASSWORD = 'correct horse battery';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi();
  member = await signUp(api);
});
afterAll(() => api.close());

/** Asks for the session again and again, four at a time, until the work is done; how often each status was answered. */
const readSessionsDuring = async (work: Promise<unknown>): Promise<Record<number, number>> => {
  const statuses: Record<number, number> = {};
  let done = false;
  const ask = async (): Promise<void> => {
    while (!done) {
      const { status } = await member.get('/auth/session');
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const asking = Promise.all([ask(), ask(), ask(), ask()]);
  await work.finally(() => {
    done = true;
  });
  await asking;
  return statuses;
};

describe('Sessions are read while many people sign up or in', () => {
  it.each([16, 50])('%i sign-ups at once', async (count) => {
    const signUps = Promise.all(
      Array.from({ length: count }, (_, i) =>
        post(api, '/auth/sign-up', { email: `flood-${count}-${i}@example.com`, password: PASSWORD }),
      ),
    );
    const statuses = await readSessionsDuring(signUps);
    expect(Object.keys(statuses)).toEqual(['200']);
    const replies = await signUps;
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const { status, headers, text } of replies) {
      if (status === 200) continue;
      expect([status, text]).toEqual([503, expect.stringContaining('service_unavailable')]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
  });

  it('50 wrong passwords at once', async () => {
    const guesses = Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        post(api, '/auth/sign-in', { email: `nobody-${i}@example.com`, password: PASSWORD }),
      ),
    );
    const statuses = await readSessionsDuring(guesses);
    expect(Object.keys(statuses)).toEqual(['200']);
    for (const { status } of await guesses) expect([401, 503]).toContain(status);
  });
});
