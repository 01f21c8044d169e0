import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { forgedTokens } from './support/forged-tokens.ts';

let api: TestApi;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  agent = await registerAgent(api, await signUp(api), ['agents:read', 'tokens:read']);
});
afterAll(() => api.close());

/** Every place that takes a token of ours: whether it took this one. */
const doors: Record<string, (token: string) => Promise<boolean>> = {
  'a Bearer header': async (token) => {
    const { status } = await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
    expect([200, 401, 431]).toContain(status);
    return status === 200;
  },
};

it.each(Object.entries(doors))('Forged tokens are refused everywhere: %s', async (_where, takes) => {
  const token = await agent.token();
  const forged = forgedTokens({ token, privateKey: api.deps.signingKeys.current.privateKey });
  expect(new Set(forged.map(([, text]) => text)).size).toBeGreaterThanOrEqual(120);
  expect(await takes(token)).toBe(true);
  const taken: string[] = [];
  for (const [name, text] of forged) {
    // What no HTTP client can send is not sent.
    if (/[^\x21-\x7e]/.test(text) || text === '') continue;
    if (await takes(text)) taken.push(name);
  }
  expect(taken).toEqual([]);
  expect(await takes(token)).toBe(true);
});
