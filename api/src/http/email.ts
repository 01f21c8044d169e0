import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** RFC 5321 section 4.5.3.1.3, without the brackets. */
const MAX_LENGTH = 254;

/** What may become an A-label. Of ASCII, letters, digits, hyphens and dots alone: a URL reads anything else as its own. */
const UNICODE_DOMAIN = /^(?=.*[^\x00-\x7f])[a-z\d.\-\u0080-\u{10ffff}]+$/u;

/** HTML's field has no such address, and few mail servers do (RFC 6531). */
const NON_ASCII_LOCAL = /[^\x00-\x7f].*@/su;

/**
 * The form in which an address is stored and compared, so that a person has one account: lower case, with the domain's
 * A-labels (RFC 5890). What is no address stays as it is, for the schema to refuse.
 */
const normalise = (text: string): string => {
  const lower = text.toLowerCase();
  const at = lower.lastIndexOf('@');
  const domain = lower.slice(at + 1);
  if (!UNICODE_DOMAIN.test(domain)) return lower;
  return lower.slice(0, at + 1) + domainToASCII(domain);
};

/** What `<input type="email">` of HTML accepts, and the same with a domain in Unicode. The value is the stored form. */
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
