import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePart } from '../src/http/parse.ts';
import { createAttemptLimits } from '../src/http/attempt-limits.ts';
import { createRoutes } from '../src/http/routes/routes.ts';
import { addressKey, networkKey } from '../src/platform/address.ts';
import { fieldProblem } from '../src/platform/field-problem.ts';
import { newId } from '../src/platform/ids.ts';
import { toErrorDescription } from '../src/platform/oauth-error.ts';
import type { Route } from '../src/http/route.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { post, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';
import { onOneDay } from './support/one-day.ts';
import { wrongValues } from './support/wrong-values.ts';

/** It names what it is about: a field in words, or a parameter of OAuth or HTTP by its own name. */
const SENTENCE = /^([A-Z][a-z]*|[a-z]+(_[a-z]+)+|Idempotency-Key)( \d+)?( [^\s]+)* .*[^.]\.$/;
/** What a validator, a program or a path says, but no person. */
const LIBRARY =
  /\b(undefined|null|NaN|Infinity|nonoptional|expected (?!form)|received|Invalid|Unrecognized|Too (big|small)|regex)\b|[<>]=?|\[object|\b(body|query|params)\.|  /;

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  member = await signUp(api);
});
afterAll(() => api.close());

const routes = (): Route[] => {
  const watch = {
    current: () => ({ database: 'disabled', redis: 'disabled', temporal: 'disabled' }) as const,
  };
  const attemptLimits = createAttemptLimits(undefined, api.deps.config);
  const probes = () => Promise.reject(new Error('nothing is probed'));
  return createRoutes({ attemptLimits, watch, probes, version: '0' });
};

interface Refused {
  detail: string;
  members: { errors: { path: string; message: string }[] };
}

/** What each part of each route says to values that are wrong. */
const refusals = (): (Refused & { what: string })[] =>
  routes().flatMap(({ operationId, ...parts }) =>
    (['params', 'query', 'body'] as const).flatMap((part) => {
      const schema = parts[part];
      return wrongValues(schema).flatMap((value) => {
        try {
          parsePart(part, schema, value);
          return [];
        } catch (error) {
          const what = `${operationId} ${JSON.stringify(value)?.slice(0, 200)}`;
          return [{ ...(error as Refused), what, detail: (error as Refused).detail }];
        }
      });
    }),
  );

describe('A refused field is told in plain words', () => {
  it('A refused field is told in plain words by every route', () => {
    const refused = refusals();
    const messages = new Set(refused.flatMap(({ members }) => members.errors.map(({ message }) => message)));
    expect(messages.size).toBeGreaterThan(100);
    for (const { what, detail, members } of refused) {
      for (const { path, message } of members.errors) {
        expect(path, what).toMatch(/^(params|query|body)(\.\w+)*$/);
        expect(message, what).toMatch(SENTENCE);
        expect(message, what).not.toMatch(LIBRARY);
      }
      const paths = members.errors.map(({ path }) => path);
      expect(new Set(paths).size, what).toBe(paths.length);
      const [first, ...others] = members.errors;
      const more = others.length > 1 ? ` There are ${others.length} more errors.` : ' There is 1 more error.';
      expect(detail, what).toBe(first!.message + (others.length ? more : ''));
      // RFC 6749 section 5.2: nothing of it is lost where it is an error_description.
      expect(toErrorDescription(detail), what).toBe(detail);
    }
  });

  it('and no two fields of a route by the same name', () => {
    for (const { operationId, ...parts } of routes()) {
      for (const part of ['params', 'query', 'body'] as const) {
        const names = Object.keys(parts[part]?.shape ?? {});
        const told = names.map((name) => fieldProblem([{ path: [part, name], words: 'is wrong' }]).detail);
        expect(new Set(told).size, `${operationId}: ${told.join()}`).toBe(names.length);
      }
    }
  });

  it('says of an address which rule it breaks', async () => {
    const sign = async (email: string): Promise<unknown> =>
      (await post(api, '/auth/sign-up', { email, password: 'correct horse battery' })).body.detail;
    expect(await sign('üser@example.com')).toBe(
      'Email address must have only ASCII characters before the @, such as name@example.com.',
    );
    expect(await sign('example.com')).toBe('Email address must have the form name@example.com.');
  });

  it('says what a service finds in the same form', async () => {
    const { agentId } = await registerAgent(api, member);
    const told = async (reply: Promise<Reply>): Promise<unknown> => {
      const { status, body } = await reply;
      const { errors, detail } = body as { errors: { path: string; message: string }[]; detail: string };
      expect([status, body.code]).toEqual([400, 'validation_failed']);
      expect(detail).toBe(errors[0]!.message);
      return [errors[0]!.path, detail];
    };
    const past = { expiresAt: '2020-01-01T00:00:00Z' };
    expect(await told(member.post(`/agents/${agentId}/credentials`, past))).toEqual([
      'body.expiresAt',
      'Expiry must be in the future.',
    ]);
    const owner = newId('usr');
    expect(await told(member.post('/agents', { name: 'owned', owner }))).toEqual([
      'body.owner',
      'Owner must be the user id of a member of your tenant.',
    ]);
    expect(await told(member.get('/agents?cursor=x'))).toEqual([
      'query.cursor',
      'Cursor is not valid. Start again without a cursor.',
    ]);
    expect(await told(member.post('/resources', { identifier: PUBLIC_URL, scopes: ['a'] }))).toEqual([
      'body.identifier',
      'Identifier must be the URL of your own service, not of the SentryAgent API.',
    ]);
    const headers = { cookie: member.cookie, 'idempotency-key': 'a b' };
    expect(await told(post(api, '/agents', { name: 'once' }, headers))).toEqual([
      'headers.Idempotency-Key',
      'Idempotency-Key must be 1 to 255 visible ASCII characters.',
    ]);
    const publicKey = { kty: 'EC', crv: 'P-256' };
    expect(await told(member.post(`/agents/${agentId}/keys`, { publicKey }))).toEqual([
      'body.publicKey',
      'The public key is not a JWK of a supported type (RFC 7517). Send an EC, OKP or RSA key.',
    ]);
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
