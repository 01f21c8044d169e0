import { z } from 'zod';
import { isResourceUri } from '../platform/resource-uri.ts';

/** RFC 6749 section 3.3: printable ASCII without space, double quote and backslash. */
export const scopeName = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, {
  error: 'must be 1 to 64 printable ASCII characters, without spaces, double quotes or backslashes',
});

export const identifier = z.string().max(256).refine(isResourceUri, {
  error: 'must be an absolute URI (RFC 3986) without a fragment, such as https://crm.example.com',
});

export const resourceGrants = z
  .array(z.strictObject({ resource: z.string().max(256), scopes: z.array(scopeName).min(1).max(20) }))
  .max(100)
  .meta({
    description:
      'The scopes of the tenant’s `/resources` that its tokens can have. Default: none. Only scopes that the caller ' +
      'holds can be granted.',
  });
