import { generateKeyPairSync } from 'node:crypto';
import type { Agent, Credential } from '@sentryagent/sdk';
import { describe, expect, it } from 'vitest';
import { capValues } from '../src/lib/agents/call-cap.ts';
import { wordsFor } from '../src/lib/agents/change-words.ts';
import { endOf, expiryOf, isLive, shownId, untilWords } from '../src/lib/agents/credential-state.ts';
import { expiryChoices } from '../src/lib/agents/credential-terms.ts';
import { differences, toValues } from '../src/lib/agents/edit-values.ts';
import { scopePresets, scopeWords } from '../src/lib/agents/scopes.ts';
import { readPublicKey } from '../src/lib/server/public-key.ts';

const now = '2026-11-28T12:00:00.000Z';

const credential = (changes: Partial<Credential> = {}): Credential => ({
  credentialId: 'crd_01',
  kind: 'secret',
  thumbprint: null,
  name: null,
  createdAt: now,
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
  overlapUntil: null,
  ...changes,
});

it('a cap is edited from what it is', () => {
  expect(capValues({ max: 250, mode: 'report' })).toEqual({ 'callCap.max': '250', 'callCap.mode': 'report' });
  expect(capValues(null)).toEqual({ 'callCap.max': '', 'callCap.mode': 'enforce' });
});

describe('a credential', () => {
  it.each([
    [{}, true],
    [{ expiresAt: '2026-11-28T12:00:00.001Z' }, true],
    [{ expiresAt: now }, false],
    [{ revokedAt: now }, false],
  ])('with %j is live: %s', (changes, live) => {
    expect(isLive(credential(changes), now)).toBe(live);
  });

  it('is named by what is not secret of it', () => {
    expect(shownId(credential())).toBe('sa_01_…');
    expect(shownId(credential({ kind: 'key', thumbprint: 'abc' }))).toBe('abc');
  });

  it.each([
    [null, 'Never', false],
    ['2026-11-28T13:00:00.000Z', 'Within a day', true],
    ['2026-11-29T12:00:00.000Z', 'In 1 day', true],
    ['2026-12-28T11:59:59.000Z', 'In 29 days', true],
    ['2026-12-28T12:00:00.000Z', 'Dec 28, 2026', false],
  ])('that expires %j says "%s"', (expiresAt, words, isSoon) => {
    expect(expiryOf(credential({ expiresAt }), now)).toEqual({ words, isSoon });
  });

  it('says how it ended', () => {
    expect(endOf(credential({ expiresAt: now }))).toBe('Expired Nov 28, 2026, 12:00 UTC');
    expect(endOf(credential({ expiresAt: now, revokedAt: '2026-11-27T09:30:00Z' }))).toBe(
      'Revoked Nov 27, 2026, 09:30 UTC',
    );
  });

  it('names the day of an end that is not today', () => {
    expect(untilWords('2026-11-28T14:02:00.000Z', now)).toBe('14:02 UTC');
    expect(untilWords('2026-11-29T14:02:00.000Z', now)).toBe('Nov 29, 2026, 14:02 UTC');
  });

  it('can expire at times that a form sends twice alike', () => {
    expect(expiryChoices(now).map(({ value, name }) => [value, name])).toEqual([
      ['', 'Never'],
      ['2026-12-28T12:00:00.000Z', 'In 30 days (Dec 28, 2026)'],
      ['2027-02-26T12:00:00.000Z', 'In 90 days (Feb 26, 2027)'],
      ['2027-11-28T12:00:00.000Z', 'In 1 year (Nov 28, 2027)'],
    ]);
  });
});

describe('a public key', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = pair.publicKey.export({ format: 'jwk' });

  it('is read from a PEM and from a JWK', () => {
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    expect(readPublicKey(`\n${pem}\n`)).toEqual({ jwk });
    expect(readPublicKey(JSON.stringify({ ...jwk, kid: 'mine' }))).toEqual({ jwk: { ...jwk, kid: 'mine' } });
  });

  it.each([
    ['a PEM', pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['a SEC1 PEM', pair.privateKey.export({ format: 'pem', type: 'sec1' }).toString()],
    ['a JWK', JSON.stringify(pair.privateKey.export({ format: 'jwk' }))],
    ['a symmetric JWK', '{"kty":"oct","k":"c2VjcmV0"}'],
  ])('that is private is refused: %s', (_what, text) => {
    expect(readPublicKey(text).wrong).toMatch(/private key/);
  });

  it.each(['', 'ssh-ed25519 AAAA', '{', '{}', '{"kty":1}', '{"kty":null}', '-----BEGIN PUBLIC KEY-----\nx'])(
    'is not %j',
    (text) => {
      expect(readPublicKey(text).wrong).toMatch(/^This is not a public key/);
    },
  );
});

describe('the edit form', () => {
  const agent = {
    name: 'reader',
    description: null,
    email: null,
    agentType: 'custom',
    version: '1.0.0',
    capabilities: ['a:b', 'c:d'],
    ownerTeam: null,
    deploymentEnv: 'production',
    isPublic: false,
  } as unknown as Agent;

  it('finds no difference in what it shows itself', () => {
    expect(differences(agent, toValues(agent))).toEqual([]);
    expect(differences(agent, { ...toValues(agent), capabilities: 'a:b\r\nc:d\r\n' })).toEqual([]);
  });

  it('shows what is stored where it differs', () => {
    const values = { ...toValues(agent), version: '2.0.0', ownerTeam: 'ops', isPublic: 'on' };
    expect(differences(agent, values)).toEqual([
      { label: 'Version', stored: '1.0.0' },
      { label: 'Team', stored: 'empty' },
      { label: 'Public', stored: 'No' },
    ]);
  });
});

it('a change of the status is reported only while the agent has it', () => {
  expect(wordsFor('suspended', 'suspended')).toMatch(/suspended/);
  expect(wordsFor('suspended', 'active')).toBeUndefined();
  expect(wordsFor('saved', 'active')).toBe('The changes are saved.');
  expect([wordsFor(null, 'active'), wordsFor('toString', 'active')]).toEqual([undefined, undefined]);
});

it('a preset selects scopes that exist, and one of them selects all', () => {
  const all = Object.keys(scopeWords);
  for (const { scopes } of scopePresets) expect(all).toEqual(expect.arrayContaining([...scopes]));
  expect(scopePresets.map(({ scopes }) => scopes)).toContainEqual(all);
});
