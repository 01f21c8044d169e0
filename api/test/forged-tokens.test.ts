import { afterAll, beforeAll, expect, it } from 'vitest';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, signUp } from './support/callers.ts';
import { requestByAssertion } from './support/assertions.ts';
import type { TestAgent } from './support/callers.ts';
import { forgedTokens } from './support/forged-tokens.ts';

let api: TestApi;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  agent = await registerAgent(api, await signUp(api), ['agents:read', 'tokens:read']);
});
afterAll(() => api.close());

const introspect = (authorization: string, token: string) =>
  call(api, '/oauth2/introspect', {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ token }),
  });
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const exchanges = async (form: Record<string, string>): Promise<boolean> => {
  const { status } = await agent.requestToken({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: ACCESS_TOKEN,
    ...form,
  });
  expect([200, 400, 413]).toContain(status);
  return status === 200;
};

/** Every place that takes a token of ours: whether it took this one. */
const places: Record<string, (token: string) => Promise<boolean>> = {
  'a Bearer header': async (token) => {
    const { status } = await call(api, '/agents', { headers: { authorization: `Bearer ${token}` } });
    expect([200, 401, 431]).toContain(status);
    return status === 200;
  },
  'an introspected token': async (token) => {
    const reply = await introspect(basic(agent.clientId, agent.clientSecret), token);
    if (reply.body.active !== true) expect([200, 400, 413]).toContain(reply.status);
    // One that we signed for another service is told as that: whoever asks compares the audience.
    return reply.body.active === true && reply.body.aud === PUBLIC_URL;
  },
  'a Bearer header of who introspects': async (token) => {
    const { status } = await introspect(`Bearer ${token}`, 'none');
    expect([200, 401, 431]).toContain(status);
    return status === 200;
  },
  'a subject token': (token) => exchanges({ subject_token: token }),
  'an actor token': async (token) =>
    exchanges({ subject_token: await agent.token(), actor_token: token, actor_token_type: ACCESS_TOKEN }),
};

it.each(Object.entries(places))('Forged tokens are refused everywhere: %s', async (_where, takes) => {
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

it('Forged tokens are refused everywhere: a client assertion, which no token of ours is', async () => {
  const token = await agent.token();
  const forged = forgedTokens({ token, privateKey: api.deps.signingKeys.current.privateKey });
  for (const [name, text] of [['an honest one', token], ...forged]) {
    const { status, body } = await requestByAssertion(api, text!);
    expect([name, status, body.access_token]).toEqual([name, expect.toBeOneOf([400, 401, 413]), undefined]);
  }
});
