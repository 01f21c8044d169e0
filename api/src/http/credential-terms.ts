import { z } from 'zod';
import { line } from './text.ts';

/** What may be said of every new credential, a secret or a key. */
export const credentialTerms = {
  name: line(1, 128).optional(),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional()
    .meta({ description: 'Default: never.' }),
};
