import { Secret, TOTP } from 'otpauth';

const ISSUER = 'SentryAgent';

/** RFC 6238 with the values that every authenticator app supports. */
const totpOf = (secret: string, account = ''): TOTP =>
  new TOTP({
    issuer: ISSUER,
    label: account,
    secret: Secret.fromBase32(secret),
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
  });

/** A new key: 160 random bits (RFC 4226 section 4), in base32. */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32;

/** The key as a URI that an app reads from a QR code. */
export const totpUri = (secret: string, account: string): string => totpOf(secret, account).toString();

/**
 * The time step of a right code, else `undefined`. Allows one step before and after the current one, because clocks
 * differ and people type (RFC 6238 section 5.2).
 */
export const stepOfCode = (secret: string, code: string, now: Date): number | undefined => {
  // otpauth throws if a code of six characters has more than six bytes.
  if (!/^\d{6}$/.test(code)) return undefined;
  const totp = totpOf(secret);
  const timestamp = now.getTime();
  const delta = totp.validate({ token: code, timestamp, window: 1 });
  return delta === null ? undefined : totp.counter({ timestamp }) + delta;
};
