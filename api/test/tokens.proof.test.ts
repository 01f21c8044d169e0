import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newClientSecret } from '../src/platform/client-secret.ts';
import { removeSigningKey, rotateSigningKeys } from '../src/services/signing-keys/rotate-signing-keys.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { writeProof } from './support/proof-report.ts';

const SOON_MS = 1_000;
const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };

let first: TestApi;
let second: TestApi;
let member: TestMember;
let agent: TestAgent;
const rows: string[] = [];
let finished = 0;
beforeAll(async () => {
  first = await startApi({ env });
  second = await startApi({ env, database: first.database });
  member = await signUp(first);
  agent = await registerAgent(first, member);
});
afterAll(async () => {
  await second.close();
  await first.close();
  if (finished < 8) return;
  const intro = '`npm run proof -- api/test/tokens.proof.test.ts`: two API processes over one database.';
  const table = ['| what | times | slowest | median |', '|---|---|---|---|', ...rows];
  writeProof('How soon a token ends', [intro, '', ...table].join('\n'));
});

const note = (what: string, times: number[]): { slowest: number; median: number } => {
  const sorted = times.toSorted((a, b) => a - b);
  const [median, slowest] = [sorted[times.length >> 1]!, sorted.at(-1)!];
  rows.push(`| ${what} | ${times.length} | ${slowest.toFixed(1)} ms | ${median.toFixed(1)} ms |`);
  console.log(rows.at(-1));
  finished += 1;
  return { slowest, median };
};

const use = async (api: TestApi, token: string): Promise<number> =>
  (await call(api, '/agents?limit=1', { headers: { authorization: `Bearer ${token}` } })).status;

/** Ends a token that the second process remembers; the milliseconds until that one refuses it. */
const timeEnd = async (of: TestAgent, end: (token: string) => Promise<unknown>): Promise<number> => {
  const token = await of.token();
  expect(await use(second, token)).toBe(200);
  await end(token);
  const started = performance.now();
  while ((await use(second, token)) === 200) await wait(2);
  expect(await use(second, token)).toBe(401);
  return performance.now() - started;
};

const timeEnds = async (count: number, time: () => Promise<number>): Promise<number[]> => {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(await time());
  return times;
};

const revoke = async (token: string): Promise<void> => {
  const reply = await call(first, '/oauth2/revoke', {
    method: 'POST',
    headers: { authorization: basic(agent.clientId, agent.clientSecret) },
    body: new URLSearchParams({ token }),
  });
  expect(reply.status).toBe(200);
};

it('A revoked token is refused within a second, measured', async () => {
  const times = await timeEnds(50, () => timeEnd(agent, revoke));
  expect(note('a revoked token is refused by the other process', times).slowest).toBeLessThan(SOON_MS);
});

it('A revocation is felt without notices, measured', async () => {
  const cut = () =>
    first.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'sentryagent-listener'`,
    );
  const cutting = setInterval(() => void cut(), 50);
  const times = await timeEnds(20, () => timeEnd(agent, revoke)).finally(() => clearInterval(cutting));
  expect(note('the same, its listener cut 20 times a second', times).slowest).toBeLessThan(SOON_MS);
});

it('A suspended agent loses its tokens, measured', async () => {
  const times = await timeEnds(20, async () => {
    const suspended = await registerAgent(first, member);
    const suspend = () => member.post(`/agents/${suspended.agentId}/suspend`, {});
    return timeEnd(suspended, suspend);
  });
  expect(note('a token of an agent that was suspended', times).slowest).toBeLessThan(SOON_MS);
});

it('A token that says more than is left ends within a second, measured', async () => {
  const times = await timeEnds(20, async () => {
    const wide = await registerAgent(first, member, ['agents:read', 'audit:read']);
    const narrow = () => member.send('PATCH', `/agents/${wide.agentId}`, { scopes: ['agents:read'] });
    return timeEnd(wide, narrow);
  });
  expect(note('a token of an agent that lost a scope', times).slowest).toBeLessThan(SOON_MS);
});

it('A compromised key is gone at once, measured', async () => {
  const removeCurrent = async (): Promise<void> => {
    const [key] = await first.sql(`select kid from signing_keys where status = 'current'`);
    await removeSigningKey(first.deps, key!.kid as string, new Date());
  };
  const times = await timeEnds(3, () => timeEnd(agent, removeCurrent));
  expect(note('a token whose key was removed', times).slowest).toBeLessThan(SOON_MS);
});

it('A rotation is noticed by every process within a second, measured', async () => {
  const kidOf = ({ deps }: TestApi) => deps.signingKeys.current.kid;
  let rotations = 0;
  const times = await timeEnds(5, async () => {
    const token = await agent.token();
    const before = kidOf(second);
    // Each time the next key has been published for long enough.
    const now = new Date(Date.now() + ++rotations * 601_000);
    await rotateSigningKeys(first.deps, { now, early: true });
    const started = performance.now();
    while (kidOf(second) === before) await wait(2);
    const time = performance.now() - started;
    expect([kidOf(second), await use(second, token)]).toEqual([kidOf(first), 200]);
    return time;
  });
  expect(note('a rotated key signs in the other process', times).slowest).toBeLessThan(SOON_MS);
});

it('An unknown client and a wrong secret look alike, in the same time', async () => {
  const secret = newClientSecret(agent.credentialId);
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < 200; i++) {
    for (const [which, clientId] of ['agt_00000000000000000000000000', agent.clientId].entries()) {
      const started = performance.now();
      const reply = await requestToken(first, basic(clientId, secret), { grant_type: 'client_credentials' });
      times[which]!.push(performance.now() - started);
      expect(reply.status).toBe(401);
    }
  }
  const [unknown, wrong] = [note('an unknown client is refused', times[0]), note('a wrong secret', times[1])];
  expect(wrong.median / unknown.median).toBeGreaterThan(0.67);
  expect(wrong.median / unknown.median).toBeLessThan(1.5);
});
