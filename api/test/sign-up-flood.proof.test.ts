import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { floodWith, readSessionsDuring } from './support/flood.ts';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi();
  member = await signUp(api);
});
afterAll(() => api.close());

// A machine that is busy with other work may keep a connection waiting for longer than the driver does: hence alone.
it.each([
  ['/auth/sign-up', 16],
  ['/auth/sign-up', 50],
  ['/auth/sign-in', 50],
] as const)('no request for a session is refused during a flood of %s by %i', async (path, count) => {
  const { statuses } = await readSessionsDuring(api, member, floodWith(api, path, count));
  expect(Object.keys(statuses)).toEqual(['200']);
});
