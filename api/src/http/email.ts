import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** RFC 5321 section 4.5.3.1.3, without the brackets. */
const MAX_LENGTH = 254;

/**
 * A domain that can become A-labels. From ASCII, only letters, digits, hyphens and dots: others have a meaning in a
 * URL.
 */
const UNICODE_DOMAIN = /^(?=.*[^\x00-\x7f])[a-z\d.\-\u0080-\u{10ffff}]+$/u;

/** HTML's email field rejects these addresses, and few mail servers accept them (RFC 6531). */
const NON_ASCII_LOCAL = /[^\x00-\x7f].*@/su;

/**
 * Normalizes an address, so that a user has one account: lower case, and a domain of A-labels (RFC 5890). Returns text
 * that is not an address unchanged, because the schema rejects it.
 */
const normalise = (text: string): string => {
  const lower = text.toLowerCase();
  const at = lower.lastIndexOf('@');
  const domain = lower.slice(at + 1);
  if (!UNICODE_DOMAIN.test(domain)) return lower;
  return lower.slice(0, at + 1) + domainToASCII(domain);
};

/** Accepts what HTML's `<input type="email">` accepts, and Unicode domains. The value is the normalized address. */
export const email = z
  .string()
  .trim()
  .max(MAX_LENGTH, { abort: true })
  .overwrite(normalise)
  .max(MAX_LENGTH, { abort: true })
  .refine((text) => z.regexes.html5Email.test(text), {
    error: ({ input }) =>
      NON_ASCII_LOCAL.test(input as string)
        ? 'must have only ASCII characters before the @, such as name@example.com'
        : 'must have the form name@example.com',
  })
  .meta({ format: 'email' });
