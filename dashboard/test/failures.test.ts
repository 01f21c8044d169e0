import { ApiError } from '@sentryagent/sdk';
import type { ErrorBody } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { describe, expect, it } from 'vitest';
import { upgradeWords } from '../src/lib/billing/problem-words.ts';
import { failForm, failPage, failScript, isTemporary } from '../src/lib/server/failures.ts';

const event = { url: new URL('https://app.example.com/agents?cursor=abc') } as RequestEvent;

const thrown = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

const apiError = (status: number, body: ErrorBody) => new ApiError(status, { detail: 'In words.', ...body });

describe('a page', () => {
  it('leads to the sign-in page and back when the session has ended', () => {
    expect(thrown(() => failPage(event, apiError(401, { code: 'unauthorized' })))).toMatchObject({
      status: 303,
      location: '/sign-in?next=%2Fagents%3Fcursor%3Dabc',
    });
  });

  it.each([0, 502, 503, 504])('says that the service is away for %i', (status) => {
    expect(thrown(() => failPage(event, apiError(status, {})))).toMatchObject({
      status: 503,
      body: { message: 'SentryAgent is unavailable. Try again in a moment.' },
    });
  });

  it.each([
    [404, 'not_found'],
    [401, 'invalid_credentials'],
    [500, 'internal_error'],
    [501, 'not_implemented'],
    [505, 'internal_error'],
  ] as const)('says what the API says for %i %s', (status, code) => {
    expect(thrown(() => failPage(event, apiError(status, { code })))).toMatchObject({
      status,
      body: { message: 'In words.' },
    });
  });

  it('passes on what is no answer of the API', () => {
    const defect = new TypeError('x is undefined');
    expect(thrown(() => failPage(event, defect))).toBe(defect);
  });
});

it('A failure is temporary if the same request can succeed later', () => {
  const statuses = [0, 400, 401, 403, 404, 409, 428, 429, 430, 499, 500, 503, 504];
  expect(statuses.filter((status) => isTemporary(apiError(status, {})))).toEqual([0, 429, 500, 503, 504]);
});

describe('a form', () => {
  const words = ['name', 'email', 'scopes'];
  const values = { name: 'typed' };

  it('says of every wrong field what the API says, and keeps what was typed', () => {
    const errors = [
      { path: 'body.scopes.1', message: 'Scope 2 must be known.' },
      { path: 'body.scopes.3', message: 'Scope 4 must be known.' },
      { path: 'body.name', message: 'Name must be short.' },
      { path: 'body.other', message: 'Other is unknown.' },
    ];
    const failure = failForm(event, apiError(400, { code: 'validation_failed', errors }), values, words);
    expect(failure).toMatchObject({ status: 400, data: { values } });
    expect(failure.data.problem.fields).toEqual({
      name: 'Name must be short.',
      scopes: 'Scope 2 must be known.',
    });
  });

  it('repeats the API’s words for everything else', () => {
    const { status, data } = failForm(event, apiError(409, { code: 'credential_limit' }), values, words);
    expect([status, data.problem]).toEqual([
      409,
      { message: 'In words.', fields: {}, code: 'credential_limit' },
    ]);
  });

  it('puts what is taken at its field, in our words if there are any', () => {
    const fieldsOf = (code: ErrorBody['code'], byCode = {}) =>
      failForm(event, apiError(409, { code }), values, words, byCode).data.problem.fields;
    expect(fieldsOf('agent_name_taken')).toEqual({ name: 'In words.' });
    expect(fieldsOf('email_taken', { email_taken: 'Taken.' })).toEqual({ email: 'Taken.' });
    expect(failForm(event, apiError(409, { code: 'email_taken' }), values, []).data.problem.fields).toEqual(
      {},
    );
    expect(
      failForm(event, apiError(409, { code: 'resource_taken' }), values, ['identifier']).data.problem.fields,
    ).toEqual({ identifier: 'In words.' });
  });

  it('names a field by its whole path, and passes on what is no answer of the API', () => {
    const errors = [
      { path: 'query.name', message: 'Name is of the query.' },
      { path: 'body.x.body.name', message: 'Name is unknown.' },
      { path: 'body.names', message: 'Names are others.' },
      { path: 'body.name.0', message: 'Name must be short.' },
    ];
    const { data } = failForm(event, apiError(400, { code: 'validation_failed', errors }), values, words);
    expect(data.problem.fields).toEqual({ name: 'Name must be short.' });
    const defect = new TypeError('x is undefined');
    expect(thrown(() => failForm(event, defect, values, words))).toBe(defect);
  });

  it('knows the free tier’s limit', () => {
    const { data } = failForm(event, apiError(429, { code: 'free_tier_limit' }), values, words);
    expect(data.problem.code).toBe('free_tier_limit');
  });

  it('stays where it is after a wrong password', () => {
    const failure = failForm(event, apiError(401, { code: 'invalid_credentials' }), values, words);
    expect(failure.status).toBe(401);
  });

  it('stays where it is while the API is away', () => {
    const failure = failForm(event, apiError(0, { error: 'network_error' }), values, words);
    expect([failure.status, failure.data.values]).toEqual([503, values]);
  });

  it('leads to the sign-in page when the session has ended', () => {
    const error = apiError(401, { code: 'unauthorized' });
    expect(thrown(() => failForm(event, error, values, words))).toMatchObject({
      location: '/sign-in?next=%2Fagents',
    });
  });
});

describe('an upgrade that is not begun says what to do next', () => {
  const role = 'Your role does not allow this. Ask an owner or admin of your tenant.';

  it.each([
    [403, 'forbidden', role],
    [404, 'billing_disabled', upgradeWords.billing_disabled],
    [409, 'already_subscribed', upgradeWords.already_subscribed],
    [503, 'service_unavailable', upgradeWords.service_unavailable],
  ] as const)('%i %s', (status, code, message) => {
    const { data } = failForm(event, apiError(status, { code, detail: role }), {}, [], upgradeWords);
    expect(data.problem).toEqual({ message, fields: {}, code });
  });

  it('while the API is away', () => {
    const failure = failForm(event, apiError(0, { error: 'network_error' }), {}, [], upgradeWords);
    expect(failure.data.problem.message).toContain('is unavailable. Try again');
  });
});

describe('a script', () => {
  it.each([
    [401, 401],
    [404, 404],
    [0, 503],
    [429, 503],
    [500, 503],
  ])('of ours is answered %i with %i', (status, answered) => {
    expect(failScript(apiError(status, {}), [401, 404]).status).toBe(answered);
  });

  it('of ours is told the code', async () => {
    const response = failScript(apiError(404, { code: 'not_found' }), [404]);
    expect(await response.json()).toEqual({ code: 'not_found' });
  });

  it('is not answered for what is no answer of the API', () => {
    const defect = new TypeError('x is undefined');
    expect(thrown(() => failScript(defect, [401]))).toBe(defect);
  });
});
