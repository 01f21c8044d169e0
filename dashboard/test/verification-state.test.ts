import type { Session } from '@sentryagent/sdk';
import { describe, expect, it } from 'vitest';
import { verificationState } from '../src/lib/people/verification-state.ts';

const sessionOf = (emailVerified: boolean): Session => ({
  user: { id: 'usr_1', email: 'own@example.com', name: 'Own', emailVerified },
  tenant: { id: 'ten_1', name: 'Own' },
  role: 'owner',
});
const problem = { message: 'Away.', fields: {} };
const nothing = { token: null, confirmed: undefined, session: null, form: null };
const own = (isConfirmed: boolean) => ({ email: 'own@example.com', isConfirmed });

describe('The result is of the link, not of the session', () => {
  it.each([null, undefined, sessionOf(false), sessionOf(true)])('whoever is signed in: %j', (session) => {
    const facts = { ...nothing, token: 'abc', session };
    expect(verificationState(facts)).toEqual({ kind: 'ask', token: 'abc' });
    expect(verificationState({ ...facts, form: { refused: true } }).kind).toBe('refused');
    expect(verificationState({ ...facts, token: null, form: { refused: true } }).kind).toBe('refused');
    const confirmed = 'link@example.com';
    expect(verificationState({ ...facts, token: null, confirmed })).toEqual({
      kind: 'confirmed',
      email: confirmed,
    });
  });

  it('offers a new link only to who is signed in and not confirmed', () => {
    const form = { refused: true } as const;
    expect(verificationState({ ...nothing, form })).toEqual({ kind: 'refused' });
    for (const isConfirmed of [false, true]) {
      const facts = { ...nothing, session: sessionOf(isConfirmed), form };
      expect(verificationState(facts)).toEqual({ kind: 'refused', ...own(isConfirmed) });
    }
  });
});

it('A failure that says nothing of the link keeps its token', () => {
  const form = { problem, values: { token: 'abc' } };
  for (const token of ['abc', null]) {
    expect(verificationState({ ...nothing, token, form })).toEqual({ kind: 'ask', token: 'abc' });
  }
});

it('says of a link that was asked for what became of it', () => {
  const session = sessionOf(false);
  const facts = { ...nothing, token: 'old', session };
  expect(verificationState({ ...facts, form: { sent: true } })).toEqual({ kind: 'sent', ...own(false) });
  for (const form of [{ problem, values: {} }, { problem }]) {
    expect(verificationState({ ...facts, form })).toEqual({ kind: 'unsent', ...own(false) });
  }
});

it('says without a link how the own address stands', () => {
  expect(verificationState(nothing)).toEqual({ kind: 'visitor' });
  expect(verificationState({ ...nothing, session: sessionOf(false) })).toEqual({
    kind: 'unsent',
    ...own(false),
  });
  expect(verificationState({ ...nothing, session: sessionOf(true) })).toEqual({
    kind: 'confirmed',
    email: 'own@example.com',
  });
});
