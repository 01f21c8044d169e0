import { createHash } from 'node:crypto';
import { Secret } from 'otpauth';

const COUNT = 10;
/** In bytes. 80 random bits, so a fast hash protects a code well enough. */
const SIZE = 10;

/** `abcd-efgh-2345-ijkl`: letters and the digits 2 to 7, so no two characters look alike. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: COUNT }, () =>
    new Secret({ size: SIZE }).base32.toLowerCase().match(/.{4}/g)!.join('-'),
  );

/** What is stored of a code. The user is a part of it, so the same guess has another hash for each user. */
export const hashRecoveryCode = (userId: string, code: string): Buffer =>
  createHash('sha256')
    .update(`${userId}\n${code.toLowerCase().replaceAll(/[\s-]/g, '')}`)
    .digest();
