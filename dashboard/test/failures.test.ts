import { ApiError } from '@sentryagent/sdk';
import type { ErrorBody } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { describe, expect, it } from 'vitest';
import { failForm, failPage } from '../src/lib/server/failures.ts';

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
    expect(thrown(() => failPage(event, apiError(status, {})))).toMatchObject({ status: 503 });
  });

  it('passes on what is no answer of the API', () => {
    const defect = new TypeError('x is undefined');
    expect(thrown(() => failPage(event, defect))).toBe(defect);
  });
});

describe('a form', () => {
  const words = { name: 'Give the agent a name.', email: 'Enter an email address.' };
  const values = { name: 'typed' };

  it('names every wrong field in our words and keeps what was typed', () => {
    const errors = [
      { path: 'body.name', message: 'Too small' },
      { path: 'body.other', message: 'Unknown' },
    ];
    const failure = failForm(event, apiError(400, { code: 'validation_failed', errors }), values, words);
    expect(failure).toMatchObject({ status: 400, data: { values } });
    expect(failure.data.problem.fields).toEqual({ name: 'Give the agent a name.' });
  });

  it('repeats the API’s words for everything else', () => {
    const { status, data } = failForm(event, apiError(409, { code: 'agent_name_taken' }), values, words);
    expect([status, data.problem]).toEqual([409, { message: 'In words.', fields: {}, limit: false }]);
  });

  it('knows the free tier’s limit', () => {
    const { data } = failForm(event, apiError(429, { code: 'free_tier_limit' }), values, words);
    expect(data.problem.limit).toBe(true);
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
