import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsePart } from '../src/http/parse.ts';
import { createDoors } from '../src/http/doors.ts';
import { createRoutes } from '../src/http/routes.ts';
import { waitWords } from '../src/http/wait-words.ts';
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

const detailOf = (schema: z.ZodType, value: unknown): string => {
  try {
    parsePart('body', schema, value);
  } catch (error) {
    return (error as Problem).detail;
  }
  throw new Error('it was accepted');
};

describe('A refused field is told in plain words', () => {
  it.each<[z.ZodType, unknown, string]>([
    [z.string(), undefined, 'is required'],
    [z.string(), null, 'must be text'],
    [z.number(), 'x', 'must be a number'],
    [z.coerce.number(), 'x', 'must be a number'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.boolean(), 'yes', 'must be true or false'],
    [z.array(z.string()), {}, 'must be a list'],
    [z.object({}), [], 'must be an object'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(8), 'short', 'must have at least 8 characters'],
    [z.string().max(128), 'x'.repeat(129), 'must have at most 128 characters'],
    [z.string().max(1), 'xx', 'must have at most 1 character'],
    [z.string().length(3), 'xx', 'must have exactly 3 characters'],
    [z.array(z.string()).min(1), [], 'must not be empty'],
    [z.array(z.string()).max(2), ['a', 'b', 'c'], 'must have at most 2 items'],
    [z.number().min(1), 0, 'must be at least 1'],
    [z.number().max(100), 101, 'must be at most 100'],
    [z.number().gt(0), 0, 'must be more than 0'],
    [z.number().lt(1), 1, 'must be less than 1'],
    [z.enum(['a', 'b']), 'c', 'must be a or b'],
    [z.enum(['a', 'b', 'c']), 'd', 'must be a, b or c'],
    [z.literal('a'), 'b', 'must be a'],
    [z.iso.datetime({ offset: true }), 'now', 'must be a time such as 2027-01-31T09:00:00Z'],
    [z.union([z.string(), z.number()]), true, 'does not have the expected form'],
  ])('%#', (schema, value, words) => {
    expect(detailOf(z.object({ x: schema }), { x: value })).toBe(`body.x: ${words}`);
  });

  it('of the body itself, and of members that nobody knows', () => {
    expect(detailOf(z.strictObject({}), { a: 1 })).toBe('body: has the unknown member a');
    expect(detailOf(z.strictObject({}), { a: 1, b: 2 })).toBe('body: has the unknown members a, b');
    expect(detailOf(z.object({}), undefined)).toBe('body: is required');
  });

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
    const doors = createDoors(undefined, api.deps.config);
    for (const { params, query, body } of createRoutes({ doors, watch, version: '0' })) {
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
  it.each([
    [1, '1 second'],
    [1_001, '2 seconds'],
    [60_000, '60 seconds'],
    [91_000, 'about 2 minutes'],
    [15 * 60_000, 'about 15 minutes'],
    [52 * 60_000, 'about an hour'],
    [3_600_000, 'about an hour'],
    [3_600_001 * 2, 'about 3 hours'],
    [86_400_000, 'about 24 hours'],
  ])('%i ms', (ms, words) => expect(waitWords(ms)).toBe(words));

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
    const { signIn, signUp: joining } = createDoors(api.deps.redis, { SIGN_UP_MAX_PER_MINUTE: 60 });
    for (let i = 0; i < 20; i++) await signIn.knock(addressKey(address));
    expect(await last(1, () => post(api, '/auth/sign-in', stranger(), from))).toMatch(
      /^Too many sign-in attempts from this network\. Try again in \d+ seconds?\.$/,
    );
    for (let i = 0; i < 5; i++) await joining.knock(networkKey(address));
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
        'Agents may create 900 of the tenant’s 1,000 agents, credentials and resources a day, and have done so today. ' +
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
