import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { floodWith, readSessionsDuring } from './support/flood.ts';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi();
  member = await signUp(api);
});
afterAll(() => api.close());

/** Each is answered as it should be, or asked to come back. */
const expectAnswers = (replies: Reply[], status: number): void => {
  for (const reply of replies) {
    if (reply.status === status) continue;
    expect([reply.status, reply.body.code]).toEqual([503, 'service_unavailable']);
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  }
};

// Four requests for the session and one sign-up, or two sign-ins, have a connection each: nobody waits for one.
describe('Sessions are read while many people sign up or in', () => {
  it.each([16, 50])('%i sign-ups at once', async (count) => {
    const { replies, statuses, mostWaiting } = await readSessionsDuring(
      api,
      member,
      floodWith(api, '/auth/sign-up', count),
    );
    expect(mostWaiting).toBe(0);
    expect(statuses).toEqual({ 200: expect.any(Number) });
    expectAnswers(replies, 200);
  });

  it('50 wrong passwords at once', async () => {
    const { replies, statuses, mostWaiting } = await readSessionsDuring(
      api,
      member,
      floodWith(api, '/auth/sign-in', 50),
    );
    // Two sign-ins look for an account while four sessions are read: one of the six may wait for a statement's time.
    expect(mostWaiting).toBeLessThanOrEqual(1);
    expect(statuses).toEqual({ 200: expect.any(Number) });
    expectAnswers(replies, 401);
  });
});
