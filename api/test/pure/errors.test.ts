import { describe, expect, it } from 'vitest';
import { requireBilling } from '../../src/http/require-billing.ts';
import type { Route } from '../../src/http/route.ts';
import { databaseProblem } from '../../src/http/database-problems.ts';
import { OAuthError, toErrorDescription } from '../../src/platform/oauth-error.ts';
import { Problem, notFound, problemKinds, unavailable } from '../../src/platform/problem.ts';
import { isWell } from '../../src/platform/service-state.ts';

describe('a problem', () => {
  it('has the status of its code, and nothing that was not given', () => {
    const cause = new Error('the reason');
    const problem = new Problem('not_found', 'Look elsewhere.', { cause });
    expect(problem).toMatchObject({ name: 'Problem', code: 'not_found', status: 404, cause });
    expect([problem.message, problem.detail]).toEqual(['Look elsewhere.', 'Look elsewhere.']);
    expect([problem.members, problem.headers]).toEqual([{}, {}]);
    expect(new Problem('not_found', 'x')).toMatchObject({ members: {}, headers: {}, cause: undefined });
    const more = { members: { max: 1 }, headers: { Allow: 'GET' } };
    expect(new Problem('not_found', 'x', more)).toMatchObject(more);
  });

  it('has a title of its own', () => {
    const titles = Object.values(problemKinds).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of titles) expect(title).toMatch(/^[A-Z].*\w$/);
  });

  it('of what is not there or not now says what to do', () => {
    expect(notFound()).toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('Check the path'),
    });
    const cause = new Error('lost');
    const headers = (problem: Problem) => problem.headers;
    expect(unavailable(cause)).toMatchObject({ code: 'service_unavailable', cause });
    expect(unavailable(cause).detail).toBe('Please try again in a moment.');
    expect([unavailable(cause), unavailable(cause, 60)].map(headers)).toEqual([
      { 'Retry-After': '1' },
      { 'Retry-After': '60' },
    ]);
  });
});

describe('an OAuth error', () => {
  it('is an error with a code', () => {
    const error = new OAuthError('invalid_scope', 'Ask for less.');
    expect(error).toMatchObject({ name: 'OAuthError', code: 'invalid_scope', description: 'Ask for less.' });
    expect(error.message).toBe('Ask for less.');
  });

  /** RFC 6749 section 5.2: %x20-21 / %x23-5B / %x5D-7E. */
  const ALLOWED = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;
  it('An error description has the characters of RFC 6749 (section 5.2), of all that there are', () => {
    for (let code = 0; code <= 0x1_0000; code++) {
      const text = String.fromCodePoint(code);
      const description = toErrorDescription(text);
      expect(ALLOWED.test(description)).toBe(true);
      if (ALLOWED.test(text)) expect(description).toBe(text);
    }
    expect(toErrorDescription('‘a’ “b” "c" … é')).toBe("'a' 'b' 'c' ... ?");
  });
});

describe('a failed query', () => {
  const failure = (fields: object, message = 'failed'): Error => Object.assign(new Error(message), fields);
  const UNAVAILABLE = { code: 'service_unavailable' };

  it.each([
    ['agents_name_key', 'agent_name_taken', /another name/],
    ['credentials_kind_check', 'credential_is_key', /new key/],
    ['credentials_thumbprint_key', 'key_taken', /another key pair/],
    ['resources_identifier_key', 'resource_taken', /delete it first/],
    ['resources_canonical_key', 'resource_taken', /delete it first/],
    ['agents_owner_fkey', 'validation_failed', /^Owner must be/],
    ['credentials_agent_fkey', 'not_found', /Check the path/],
  ])('that breaks %s is %s', (constraint, code, words) => {
    const error = failure({ constraint, code: '23505' });
    const expected = { code, detail: expect.stringMatching(words), cause: error };
    expect(databaseProblem(error)).toMatchObject(expected);
    expect(databaseProblem(failure({ nativeError: error }))).toMatchObject(expected);
    expect(databaseProblem(new Error('outer', { cause: error }))).toMatchObject(expected);
  });

  it.each([
    ...['08006', '53300', '57P01', '58030', '25006', '40001', '40P01', '55P03'],
    ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'],
  ])('with the code %s is to be tried again', (code) => {
    const error = failure({ code });
    expect(databaseProblem(error)).toMatchObject({ ...UNAVAILABLE, cause: error });
  });

  it.each([
    'Connection terminated unexpectedly',
    'select 1 - timeout expired',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ])('that says "%s" is to be tried again', (message) => {
    expect(databaseProblem(new Error(message))).toMatchObject(UNAVAILABLE);
  });

  it('that waited for a connection in vain is to be tried again', () => {
    expect(databaseProblem(failure({ name: 'KnexTimeoutError' }))).toMatchObject(UNAVAILABLE);
  });

  it.each<[what: string, error: unknown]>([
    ['a defect', new TypeError('x is undefined')],
    ['a syntax error', failure({ code: '42601' })],
    ['an unknown constraint', failure({ code: '23505', constraint: 'other_key' })],
    ['a code that has a transient one inside', failure({ code: '42508' })],
    ['a code that is a number', failure({ code: 53_300 })],
    ['a text', 'ECONNREFUSED'],
    ['nothing', undefined],
  ])('of another kind is none of these: %s', (_what, error) => {
    expect(databaseProblem(error)).toBeUndefined();
  });
});

describe('a route of billing', () => {
  it('says why it is not there, to the caller or to the log', () => {
    const refuse = (parts: object) => () => requireBilling({ billing: 'configured' }, parts as never);
    expect(refuse({ config: { BILLING_ENABLED: false } })).toThrow('BILLING_ENABLED is false');
    expect(refuse({ config: { BILLING_ENABLED: true } })).toThrow(
      expect.objectContaining({ cause: new Error('TEMPORAL_ADDRESS or STRIPE_SECRET_KEY is not set') }),
    );
  });

  const there = { config: { BILLING_ENABLED: true }, temporal: {}, stripe: {} };
  const outcome = (billing: Route['billing'], parts: object): string => {
    try {
      requireBilling({ billing }, parts as never);
      return 'answered';
    } catch (error) {
      const { code, headers } = error as Problem;
      return [code, headers['Retry-After']].filter(Boolean).join(' ');
    }
  };
  it.each<[Route['billing'], object, string]>([
    [undefined, { config: { BILLING_ENABLED: false } }, 'answered'],
    ['enabled', { config: { BILLING_ENABLED: false } }, 'billing_disabled'],
    ['configured', { ...there, config: { BILLING_ENABLED: false } }, 'billing_disabled'],
    ['enabled', { config: { BILLING_ENABLED: true } }, 'answered'],
    ['configured', { ...there, temporal: undefined }, 'service_unavailable 60'],
    ['configured', { ...there, stripe: undefined }, 'service_unavailable 60'],
    ['configured', there, 'answered'],
  ])('that needs it %s, with %j: %s', (billing, parts, expected) => {
    expect(outcome(billing, parts)).toBe(expected);
  });
});

it.each([
  ['connected', true],
  ['disabled', true],
  ['degraded', false],
  ['disconnected', false],
] as const)('a service that is %s is well: %s', (state, well) => {
  expect(isWell(state)).toBe(well);
});
