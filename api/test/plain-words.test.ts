import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePart } from '../src/http/parse.ts';
import { createAttemptLimits } from '../src/http/attempt-limits.ts';
import { createRoutes } from '../src/http/routes/routes.ts';
import { addressKey, networkKey } from '../src/platform/address.ts';
import type { Problem } from '../src/platform/problem.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { post, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { onOneDay } from './support/one-day.ts';

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUp(api);
});
afterAll(() => api.close());

describe('A refused field is told in plain words', () => {
  it('A refused field is told in plain words by every route', () => {
    const values = [
      undefined,
      null,
      true,
      -1,
      1.5,
      1e9,
      '',
      ' ',
      'x'.repeat(10_000),
      [],
      [null],
      {},
      { x: 1 },
    ];
    const messages = new Set<string>();
    const disabled = { database: 'disabled', redis: 'disabled', temporal: 'disabled' } as const;
    const watch = { current: () => disabled };
    const attemptLimits = createAttemptLimits(undefined, api.deps.config);
    for (const { params, query, body } of createRoutes({ attemptLimits, watch, version: '0' })) {
      for (const schema of [params, query, body]) {
        for (const name of Object.keys(schema?.shape ?? {})) {
          for (const value of values) {
            try {
              parsePart('body', schema, { [name]: value });
            } catch (error) {
              const { errors } = (error as Problem).members as { errors: { message: string }[] };
              for (const { message } of errors) messages.add(message);
            }
          }
        }
      }
    }
    expect(messages.size).toBeGreaterThan(20);
    for (const message of messages) {
      expect(message).toMatch(/^(must|is|has|does not) /);
      expect(message).not.toMatch(/expected (string|number|array|object)|>=|<=|Invalid|Unrecognized|Too /);
    }
  });

  it('says of an address which rule it breaks', async () => {
    const sign = async (email: string): Promise<unknown> =>
      (await post(api, '/auth/sign-up', { email, password: 'correct horse battery' })).body.detail;
    expect(await sign('üser@example.com')).toBe(
      'body.email: must have only ASCII characters before the @, such as name@example.com',
    );
    expect(await sign('example.com')).toBe('body.email: must have the form name@example.com');
  });
});

describe('A refusal of too many says how long in words, and why', () => {
  const last = async (times: number, one: () => Promise<Reply>): Promise<string> => {
    let reply: Reply | undefined;
    for (let i = 0; i < times; i++) reply = await one();
    expect(reply!.status).toBe(429);
    expect(reply!.body.error).toBe('rate_limited');
    expect(Number(reply!.headers.get('retry-after'))).toBeGreaterThan(0);
    return reply!.body.detail as string;
  };
  const from = { 'x-forwarded-for': '192.0.2.99' };
  const stranger = () => ({
    email: `${randomBytes(6).toString('hex')}@example.com`,
    password: 'wrong wrong',
  });

  it('for wrong passwords of an account', async () => {
    const credentials = stranger();
    expect(await last(11, () => post(api, '/auth/sign-in', credentials))).toMatch(
      /^Too many wrong passwords for this account\. Try again in about 1[0-5] minutes\.$/,
    );
  });

  it('for sign-ins and sign-ups of a network', async () => {
    const address = from['x-forwarded-for'];
    const { signIn, signUp: joining } = createAttemptLimits(api.deps.redis, { SIGN_UP_MAX_PER_MINUTE: 60 });
    for (let i = 0; i < 20; i++) await signIn.consume(addressKey(address));
    expect(await last(1, () => post(api, '/auth/sign-in', stranger(), from))).toMatch(
      /^Too many sign-in attempts from this network\. Try again in \d+ seconds?\.$/,
    );
    for (let i = 0; i < 5; i++) await joining.consume(networkKey(address));
    expect(await last(1, () => post(api, '/auth/sign-up', stranger(), from))).toMatch(
      /^Too many sign-ups from this network\. Try again in \d+ seconds?\.$/,
    );
  });

  it('for links', async () => {
    const { cookie } = await signUp(api);
    expect(await last(6, () => post(api, '/auth/verification', undefined, { cookie }))).toBe(
      'Too many confirmation links for this account. Try again in about an hour.',
    );
  });

  it('for what a day allows, with the same members as the others', async () => {
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
    const authorization = `Bearer ${await agent.token()}`;
    await onOneDay(async (day) => {
      const count = (used: number) =>
        api.sql(
          `insert into daily_counts values ($1, 'creations', $2, $3)
           on conflict (tenant_id, counter) do update set day = excluded.day, count = excluded.count`,
          [member.tenantId, day, used],
        );
      const name = `one more on ${day}`;
      await count(900);
      const refused = await post(api, '/agents', { name }, { authorization });
      expect([refused.status, refused.body.code, refused.body.error]).toEqual([
        429,
        'daily_limit',
        'daily_limit',
      ]);
      expect(refused.body.detail).toBe(
        'Your tenant has created 900 agents, credentials and resources today. This is the daily limit for requests by agents. ' +
          'Try again after 00:00 UTC.',
      );
      await count(1_000);
      expect((await member.post('/agents', { name })).body.detail).toBe(
        'Your tenant has created 1,000 agents, credentials and resources today. This is the daily limit. ' +
          'Try again after 00:00 UTC.',
      );
    });
  });
});
