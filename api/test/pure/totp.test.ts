import { describe, expect, it } from 'vitest';
import { codeOfApp } from '../../../dev/test/support/totp.ts';
import { seal } from '../../src/platform/envelope.ts';
import { parseKeyring } from '../../src/platform/keyring.ts';
import { hashRecoveryCode, newRecoveryCodes } from '../../src/services/two-factor/recovery-codes.ts';
import { openSecret, sealSecret } from '../../src/services/two-factor/sealed-secret.ts';
import { newTotpSecret, stepOfCode, totpUri } from '../../src/services/two-factor/totp.ts';

/** The secret of RFC 6238 appendix B, in base32. */
const RFC = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('the codes of an authenticator app', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238 appendix B at %i s', (seconds, code) => {
    expect(codeOfApp(RFC, seconds * 1_000)).toBe(code);
    expect(stepOfCode(RFC, code, new Date(seconds * 1_000))).toBe(Math.floor(seconds / 30));
  });

  it('count for the step before and after the current one, and no other', () => {
    const [key, now] = [newTotpSecret(), 1_800_000_015_000];
    const steps = [-2, -1, 0, 1, 2].map((offset) => {
      const step = stepOfCode(key, codeOfApp(key, now + offset * 30_000), new Date(now));
      return step === undefined ? undefined : step - Math.floor(now / 30_000);
    });
    expect(steps).toEqual([undefined, -1, 0, 1, undefined]);
  });

  it.each(['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦', '-12345', '1e5000', '\0'.repeat(6)])(
    'are six digits, and not %j',
    (code) => expect(stepOfCode(RFC, code, new Date(59_000))).toBeUndefined(),
  );

  it('come of a key of 160 bits, whose URI an app reads', () => {
    const key = newTotpSecret();
    expect(key).toMatch(/^[A-Z2-7]{32}$/);
    expect(newTotpSecret()).not.toBe(key);
    const uri = new URL(totpUri(key, 'ada+x@example.com'));
    expect([uri.protocol, uri.host, decodeURIComponent(uri.pathname)]).toEqual([
      'otpauth:',
      'totp',
      '/SentryAgent:ada+x@example.com',
    ]);
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret: key,
      issuer: 'SentryAgent',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
  });
});

describe('recovery codes', () => {
  it('are ten of 80 random bits each', () => {
    const codes = newRecoveryCodes();
    expect(codes).toHaveLength(10);
    expect(new Set([...codes, ...newRecoveryCodes()]).size).toBe(20);
    for (const code of codes) expect(code).toMatch(/^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  });

  it('may be typed in capitals, with spaces and without hyphens, and belong to one user', () => {
    const stored = hashRecoveryCode('usr_1', 'abcd-efgh-2345-ijkl');
    for (const typed of ['ABCD EFGH 2345 IJKL', ' abcdefgh2345ijkl\n', 'abcd-EFGH--2345 ijkl']) {
      expect(hashRecoveryCode('usr_1', typed)).toEqual(stored);
    }
    // Codes that were stored by an earlier release still work: `printf 'usr_1\nabcdefgh2345ijkl' | sha256sum`.
    expect(stored.toString('hex')).toBe('1c3be30cc2fcb5f11d75db4fff4c72b347b5dde9aa3ef2df1c34bd50bc77661b');
    expect(hashRecoveryCode('usr_2', 'abcd-efgh-2345-ijkl')).not.toEqual(stored);
  });
});

describe('the key of an app', () => {
  const [user, other] = ['usr_1', 'usr_2'];
  const key = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`;
  const keys = parseKeyring(key('k1', 7));

  it('is decrypted for its user alone', () => {
    const sealed = sealSecret(keys, user, RFC);
    expect(sealed).not.toContain(RFC);
    expect(openSecret(keys, user, sealed)).toBe(RFC);
    expect(() => openSecret(keys, other, sealed)).toThrow(
      expect.objectContaining({ code: 'service_unavailable' }),
    );
    // It is no other secret of the user either, which has the same key and another context.
    expect(() => openSecret(keys, user, seal(keys, RFC, user))).toThrow();
  });

  it('without the encryption key is unavailable, and no other failure is', () => {
    const sealed = sealSecret(keys, user, RFC);
    const refused = (ring: typeof keys) => () => openSecret(ring, user, sealed);
    expect(refused(parseKeyring(key('k2', 8)))).toThrow(
      expect.objectContaining({ code: 'service_unavailable' }),
    );
    const broken = new Proxy(keys, {
      get: () => {
        throw new RangeError('broken');
      },
    });
    expect(refused(broken)).toThrow(RangeError);
  });
});
