import { describe, expect, it } from 'vitest';
import { DecryptionError, open, seal } from '../../src/platform/envelope.ts';
import { parseKeyring } from '../../src/platform/keyring.ts';

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

describe('a sealed value', () => {
  const keys = parseKeyring(`k1:${keyOf(7)},k2:${keyOf(8)}`);
  const sealed = seal(keys, 'a secret', 'table.column\nrow');

  it('opens with its key and context, and is never twice the same', () => {
    expect(open(keys, sealed, 'table.column\nrow')).toBe('a secret');
    expect(seal(keys, 'a secret', 'table.column\nrow')).not.toBe(sealed);
  });

  const parts = sealed.split('.');
  const flipped = (index: number): string => {
    const bytes = Buffer.from(parts[index]!, 'base64url');
    bytes[0]! ^= 1;
    return parts.with(index, bytes.toString('base64url')).join('.');
  };
  it.each([
    ['another row', sealed, 'table.column\nanother row'],
    ['another column', sealed, 'table.another\nrow'],
    ['the name of another key', parts.with(0, 'k2').join('.'), 'table.column\nrow'],
    ['a changed nonce', flipped(1), 'table.column\nrow'],
    ['a changed tag', flipped(2), 'table.column\nrow'],
    [
      'a shortened tag',
      parts.with(2, Buffer.from(parts[2]!, 'base64url').subarray(0, 4).toString('base64url')).join('.'),
      'table.column\nrow',
    ],
    ['a changed text', flipped(3), 'table.column\nrow'],
    ['no text', 'k1', 'table.column\nrow'],
  ])('does not open with %s, and keeps itself out of the message', (_what, text, context) => {
    expect(() => open(keys, text, context)).toThrow(
      /^the key "k[12]" of KEY_ENCRYPTION_KEYS cannot decrypt table\.\w+: it is not the key that encrypted it, or the value was changed$/,
    );
  });

  it('has the name of its key, 12 bytes of nonce, 16 of tag, and as many bytes as its text', () => {
    const bytes = parts.slice(1).map((part) => Buffer.from(part, 'base64url').length);
    expect([parts[0], parts.length, ...bytes]).toEqual(['k1', 4, 12, 16, 'a secret'.length]);
    const text = 'größe 💩';
    expect(open(keys, seal(keys, text, 'x'), 'x')).toBe(text);
    expect(open(keys, seal(keys, '', 'x'), 'x')).toBe('');
  });

  it('opens with an older key, and says which one is missing', () => {
    const older = seal(parseKeyring(`k2:${keyOf(8)}`), 'old', 'x');
    expect(open(keys, older, 'x')).toBe('old');
    const failure = (envelope: string): DecryptionError => {
      try {
        open(keys, envelope, 'x');
      } catch (error) {
        return error as DecryptionError;
      }
      return expect.unreachable('it was opened');
    };
    const missing = failure(older.replace('k2', 'k3'));
    expect(missing).toBeInstanceOf(DecryptionError);
    expect(missing).toMatchObject({
      name: 'DecryptionError',
      message: 'KEY_ENCRYPTION_KEYS has no key "k3"',
    });
    expect(failure('').message).toBe('KEY_ENCRYPTION_KEYS has no key ""');
    expect(failure(older.replace('k2', 'k1')).cause).toBeInstanceOf(Error);
  });
});
