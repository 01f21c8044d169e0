import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findings, root } from './support/lint.ts';

const RULE = 'no-restricted-syntax';
const SECRETS = 'api/src/platform/client-secret.ts';
const ENVELOPE = 'api/src/platform/envelope.ts';
const WEBHOOK = 'api/src/services/billing/events/accept-stripe-event.ts';

/** The file with one piece of it replaced. */
const changed = (file: string, piece: string, instead: string): string => {
  const code = readFileSync(`${root}${file}`, 'utf8');
  expect(code.split(piece)).toHaveLength(2);
  return code.replace(piece, () => instead);
};

describe('lint refuses to compare a secret by other means than timingSafeEqual', () => {
  it.each([
    ['===', 'hmac(pepper, secret) === hash'],
    ['!==', '!(hmac(pepper, secret) !== hash)'],
    ['.equals(', 'hmac(pepper, secret).equals(hash)'],
    ['Buffer.compare(', 'Buffer.compare(hmac(pepper, secret), hash) === 0'],
    ['.compare(', 'hash.compare(hmac(pepper, secret)) === 0'],
    ['text', "hmac(pepper, secret).toString('hex') === hash.toString('hex')"],
  ])('a client secret, by %s', async (_how, instead) => {
    const code = changed(SECRETS, 'timingSafeEqual(hmac(pepper, secret), hash)', instead);
    expect(await findings(SECRETS, code)).toContain(RULE);
  });

  it.each([
    ['===', "if (authTag.toString('hex') === tag.toString('hex')) throw new Error();"],
    ['.equals(', 'if (!tag.equals(decipher.update(sealed))) throw new Error();'],
    ['Buffer.compare(', 'if (Buffer.compare(tag, iv) !== 0) throw new Error();'],
  ])('the tag of an envelope, by %s', async (_how, instead) => {
    const code = changed(ENVELOPE, 'decipher.setAuthTag(tag);', instead);
    expect(await findings(ENVELOPE, code)).toContain(RULE);
  });

  it.each([
    [
      'the header',
      "if (createHmac('sha256', secret).update(payload).digest('hex') === header) return payload;",
    ],
    ['the whole signature', 'if (expected !== signature) throw refuse(new Error());'],
    ['what may be missing', 'if (event?.signature === expected) return payload;'],
  ])('the signature of a webhook, against %s', async (_what, instead) => {
    const code = changed(WEBHOOK, 'if (data) return data;', `${instead}\n  if (data) return data;`);
    expect(await findings(WEBHOOK, code)).toContain(RULE);
  });

  it.each([
    'api/src/services/tokens/new.ts',
    'api/src/http/new.ts',
    'workers/src/new.ts',
    'sdk/src/new.ts',
    'dashboard/src/lib/server/new.ts',
  ])('in %s', async (file) => {
    for (const pair of [
      'row.secretHash !== hash',
      'accessToken === known',
      'a == b.fingerprint',
      'mac != x',
    ]) {
      expect(await findings(file, `export const isSame = ${pair};\n`)).toContain(RULE);
    }
  });

  it.each([
    'token === undefined',
    'undefined !== secret',
    "typeof signature === 'string'",
    "kind === 'secret'",
    'row.hash === null',
    'subjectType !== ACCESS_TOKEN',
    'claims.tenant_id === tenantId',
    'token.length > MAX_LENGTH',
    'etag === revision',
    'a.localeCompare(b) === 0',
  ])('and lets through: %s', async (pair) => {
    expect(await findings('api/src/services/tokens/new.ts', `export const isSame = ${pair};\n`)).toEqual([]);
  });

  it('no file compares one so today, but with its reason', async () => {
    for (const file of [SECRETS, ENVELOPE, WEBHOOK]) {
      expect(await findings(file, readFileSync(`${root}${file}`, 'utf8'))).toEqual([]);
    }
  });
});
