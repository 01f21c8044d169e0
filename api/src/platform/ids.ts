import { hash, randomFillSync } from 'node:crypto';

/** The prefix of each kind of id. An id is the prefix, `_`, and a UUIDv7 in Crockford's base32. So ids sort by time. */
export type IdPrefix =
  | 'ten'
  | 'usr'
  | 'mem'
  | 'ses'
  | 'acc'
  | 'ver'
  | 'inv'
  | 'dev'
  | 'agt'
  | 'crd'
  | 'res'
  | 'chk'
  | 'mai'
  | 'evt'
  | 'req'
  | 'api';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Random bytes for 256 ids are drawn at once. Drawn one by one, they take longer than the rest of an id. */
const pool = Buffer.alloc(4_096);
let used = pool.length;

const random16 = (): Buffer => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
};

/** RFC 9562 section 5.7: 48 bits of Unix milliseconds, then random bits around version and variant. */
const uuidv7 = (now: number): Buffer => {
  const bytes = random16();
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
};

const CODES = Buffer.from(ALPHABET);
/** A buffer, because adding characters one by one creates many short-lived strings. */
const characters = Buffer.alloc(26);

/** 128 bits as 26 characters; the first carries the top three bits. */
const base32 = (bytes: Buffer): string => {
  let [at, value, bits] = [0, 0, 2];
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) characters[at++] = CODES[(value >> (bits - 5)) & 31]!;
    value &= (1 << bits) - 1;
  }
  return characters.toString('latin1');
};

export const newId = (prefix: IdPrefix, now: number = Date.now()): string =>
  `${prefix}_${base32(uuidv7(now))}`;

/** The same id for the same text. It does not sort by time. */
export const derivedId = (prefix: IdPrefix, text: string): string =>
  `${prefix}_${base32(hash('sha256', text, 'buffer').subarray(0, 16))}`;

/** Whether text has the form of an id of this kind. The id may not exist. */
export const isId = (prefix: IdPrefix, text: string): boolean =>
  text.startsWith(`${prefix}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(prefix.length + 1));

/** The creation time of an id, in Unix milliseconds. */
export const timeOfId = (id: string): number => {
  let value = 0n;
  for (const character of id.slice(id.indexOf('_') + 1)) {
    value = (value << 5n) | BigInt(ALPHABET.indexOf(character));
  }
  return Number(value >> 80n);
};
