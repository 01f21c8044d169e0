import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  credentialOfSecret,
  hashSecret,
  newClientSecret,
  secretMatches,
} from '../../src/platform/client-secret.ts';
import { newId } from '../../src/platform/ids.ts';
import { parseKeyring } from '../../src/platform/keyring.ts';
import { openData, sealData } from '../../src/services/mail/sealed-data.ts';

const encoded = (byte: number, length = 32): string => Buffer.alloc(length, byte).toString('base64');

describe('a client secret', () => {
  /** Its checksum and its HMAC under a key of 32 ones are from Python's zlib and hmac. */
  const KNOWN = `sa_${'0'.repeat(26)}_${'A'.repeat(43)}_f9566ebf`;
  const KNOWN_HMAC = 'ffb5e090b0ddc2dd1de5c9000c410b5be8b51a79515232eae5ac7649b1e59bb7';

  it('names its credential, and is never twice the same', () => {
    const id = newId('crd');
    const secrets = Array.from({ length: 300 }, () => newClientSecret(id));
    expect(new Set(secrets).size).toBe(300);
    for (const secret of secrets) {
      expect(secret).toMatch(new RegExp(`^sa_${id.slice(4)}_[\\w-]{43}_[0-9a-f]{8}$`));
      expect(credentialOfSecret(secret)).toBe(id);
    }
    // One checksum in 16 begins with a zero; none among 300 would be a chance of one in 10^8.
    expect(secrets.some((secret) => secret.at(-8) === '0')).toBe(true);
    expect(credentialOfSecret(KNOWN)).toBe(`crd_${'0'.repeat(26)}`);
  });

  it.each([
    ['another prefix', KNOWN.replace('sa_', 'sb_')],
    ['something before it', ` ${KNOWN}`],
    ['something after it', `${KNOWN}0`],
    ['a line break after it', `${KNOWN}\n`],
    ['a checksum in capitals', KNOWN.replace('f9566ebf', 'F9566EBF')],
    ['another checksum', KNOWN.replace('f9566ebf', 'f9566ebe')],
    ['no checksum', KNOWN.slice(0, -9)],
    ['a typing error', KNOWN.replace('AAA_', 'AAB_')],
    ['a letter less', KNOWN.replace('AAA_', 'AA_')],
    ['capitals in its id', KNOWN.replace('sa_000', 'sa_00A')],
    ['a shorter id', KNOWN.replace('sa_000', 'sa_00')],
    ['nothing', ''],
  ])('with %s names none', (_what, text) => {
    expect(credentialOfSecret(text)).toBeUndefined();
  });

  it('matches its hash under the pepper that made it, and under no other', () => {
    const peppers = parseKeyring(`p2:${encoded(1)},p1:${encoded(2)}`);
    const made = hashSecret(peppers, KNOWN);
    expect([made.hash.toString('hex'), made.pepperId]).toEqual([KNOWN_HMAC, 'p2']);
    expect(secretMatches(peppers, KNOWN, made)).toBe(true);
    expect(secretMatches(peppers, KNOWN.replace('f9566ebf', 'f9566ebe'), made)).toBe(false);
    expect(secretMatches(peppers, KNOWN, { ...made, pepperId: 'p1' })).toBe(false);
    expect(secretMatches(peppers, KNOWN, { ...made, pepperId: 'p3' })).toBe(false);
    const older = hashSecret(parseKeyring(`p1:${encoded(2)}`), KNOWN);
    expect(secretMatches(peppers, KNOWN, older)).toBe(true);
  });
});

describe('a list of keys', () => {
  it('has its first key for what is made now, and finds each by its id', () => {
    const keys = parseKeyring(` new-Key_1:${encoded(1)}, ${'o'.repeat(16)}:${encoded(2)} `);
    expect(keys.ids).toEqual(['new-Key_1', 'o'.repeat(16)]);
    expect(keys.current.id).toBe('new-Key_1');
    expect(keys.current.key.equals(createSecretKey(Buffer.alloc(32, 1)))).toBe(true);
    expect(keys.find('o'.repeat(16))!.equals(createSecretKey(Buffer.alloc(32, 2)))).toBe(true);
    expect(keys.find('other')).toBeUndefined();
  });

  const NO_LIST = 'must be a comma-separated list of id:base64';
  it.each([
    ['', NO_LIST],
    ['k1', NO_LIST],
    ['k1:', NO_LIST],
    [`:${encoded(1)}`, NO_LIST],
    [`k 1:${encoded(1)}`, NO_LIST],
    [`.k1:${encoded(1)}`, NO_LIST],
    [`k1.:${encoded(1)}`, NO_LIST],
    [`${'k'.repeat(17)}:${encoded(1)}`, NO_LIST],
    [`k1:${encoded(1)},`, NO_LIST],
    [`k1:${encoded(1, 31)}`, 'has a key "k1" that is not 32 bytes in base64'],
    [`k1:${encoded(1)},k2:${encoded(1, 33)}`, 'has a key "k2" that is not 32 bytes in base64'],
    [`k1:${encoded(1)},k1:${encoded(2)}`, 'must not use an id twice'],
  ])('is refused in words: %s', (text, words) => {
    expect(() => parseKeyring(text)).toThrow(new Error(words));
  });
});

describe('the data of a mail', () => {
  const keys = parseKeyring(`k1:${encoded(7)}`);

  it('opens in its own row alone', () => {
    const data = { token: 'a-secret-token' };
    const sealed = sealData(keys, 'mai_1', data);
    expect(JSON.stringify(sealed)).not.toContain('a-secret-token');
    expect(openData(keys, 'mai_1', sealed)).toEqual(data);
    expect(() => openData(keys, 'mai_2', sealed)).toThrow('cannot decrypt a mail: it is not the key');
  });

  it('is itself if it was not sealed', () => {
    const data = { credentials: [], more: 3 };
    expect(openData(keys, 'mai_1', data)).toBe(data);
  });
});
