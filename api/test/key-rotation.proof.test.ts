import { setTimeout as wait } from 'node:timers/promises';
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rotateSigningKeys } from '../src/services/signing-keys/rotate-signing-keys.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';

const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };

let first: TestApi;
let second: TestApi;
let agent: TestAgent;
beforeAll(async () => {
  first = await startApi({ env });
  second = await startApi({ database: first.database, env });
  agent = await registerAgent(first, await signUp(first));
});
afterAll(async () => {
  await second.close();
  await first.close();
});

const use = async (api: TestApi, token: string): Promise<number> =>
  (await call(api, '/agents?limit=1', { headers: { authorization: `Bearer ${token}` } })).status;

describe('twenty rotations under load', () => {
  const MAX_AGE_MS = 300;
  const times = { publishMs: 2 * MAX_AGE_MS, signMs: 0, keepMs: 10_000 };
  const options = { issuer: PUBLIC_URL, audience: PUBLIC_URL, typ: 'at+jwt', algorithms: ['ES256'] };

  it('A rotation refuses no honest token', async () => {
    let fetches = 0;
    // It keeps the set for its whole age and doesn't ask for a key that it lacks: being published in time is all.
    const fetchedIn = [0, 0];
    const verifiers = [first, second].map(({ url }, i) =>
      createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`), {
        cacheMaxAge: MAX_AGE_MS,
        cooldownDuration: 600_000,
        [customFetch]: async (...request) => {
          fetches++;
          const started = Date.now();
          const reply = await fetch(...request);
          fetchedIn[i] = Date.now() - started;
          return reply;
        },
      }),
    );
    // Only a set that came in time may be expected to have the key.
    const isFresh = (i: number): boolean => fetchedIn[i]! + MAX_AGE_MS < times.publishMs;
    const signers = new Set<string>();
    const problems: unknown[] = [];
    const checks = { verified: 0, used: 0 };
    let running = true;

    const check = async (token: string, askedAt: number): Promise<void> => {
      // On a busy machine it may be looked at when its key is gone.
      const note = (problem: unknown): void => {
        if (Date.now() - askedAt < times.keepMs) problems.push(problem);
      };
      for (const [i, verifier] of verifiers.entries()) {
        const refuse = (error: unknown) => isFresh(i) && note(error);
        await jwtVerify(token, verifier, options).then(() => checks.verified++, refuse);
      }
      for (const api of [first, second]) {
        const status = await use(api, token);
        if (status === 200) checks.used++;
        // 503: the machine is too busy to say, which refuses nothing.
        else if (status !== 503) note(status);
      }
    };
    const work = async (): Promise<void> => {
      while (running) {
        const askedAt = Date.now();
        const reply = await agent.requestToken();
        if (reply.status === 503) continue;
        const token = reply.body.access_token as string;
        if (reply.status !== 200) problems.push(reply.text);
        signers.add(decodeProtectedHeader(token).kid!);
        await check(token, askedAt);
        await wait(300);
        await check(token, askedAt);
      }
    };
    const workers = Array.from({ length: 4 }, work);
    const isEnough = () => signers.size > 10 && fetches > 20 && Math.min(checks.verified, checks.used) > 100;
    for (let i = 0; i < 20 || !isEnough();) {
      const changes = await rotateSigningKeys([first, second][i % 2]!.deps, { now: new Date(), times });
      if (changes.some(({ to }) => to === 'current')) i++;
      await wait(20);
    }
    running = false;
    await Promise.all(workers);
    expect(problems).toEqual([]);

    const [header, payload] = (await agent.token()).split('.');
    const tampered = `${header}.${payload}.${Buffer.alloc(64, 1).toString('base64url')}`;
    await expect(jwtVerify(tampered, verifiers[0]!, options)).rejects.toBeInstanceOf(errors.JOSEError);
  });
});
