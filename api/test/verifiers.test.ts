import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { forgedTokens } from './support/forged-tokens.ts';
import { startVerifiers } from './support/verifiers.ts';
import type { Verifier } from './support/verifiers.ts';

let api: TestApi;
let agent: TestAgent;
let verifiers: Verifier[];
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  agent = await registerAgent(api, await signUp(api));
  verifiers = startVerifiers(api, 500);
});
afterAll(async () => {
  await Promise.all(verifiers.map((verifier) => verifier.close()));
  await api.close();
});

/** Whose client a token is, and of which tenant, is for us to look at; the audience may be a list in RFC 7519. */
const NOT_ASKED = /^no (tenant_id|scope)$|^another (subject|client) |^aud \[/;
/** Where each is laxer than we are. */
const LAX: Record<string, RegExp> = {
  jose: /^padding$|^other unused bits$/,
  PyJWT: /^padding$|^exp "/,
  'golang-jwt': /crit|^exp "/,
};

it('Independent verifiers accept our tokens, and none of those that we refuse as forged', async () => {
  const token = await agent.token();
  const { privateKey } = api.deps.signingKeys.current;
  const forged = forgedTokens({ token, privateKey }).filter(([what]) => !NOT_ASKED.test(what));
  const taken: string[] = [];
  for (const { name, ask } of verifiers) {
    expect([name, await ask(token)]).toEqual([name, 'yes']);
    for (const [what, text] of forged.filter(([what]) => !LAX[name]!.test(what))) {
      const verdict = await ask(text);
      if (!verdict.startsWith('no: ')) taken.push(`${name}, ${what}: ${verdict}`);
    }
  }
  expect(taken).toEqual([]);
});
