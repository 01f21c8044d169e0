import { z } from 'zod';
import { line } from './text.ts';

/** RFC 3339 has four digits for a year, and so has every answer; an offset can lead beyond them. */
const YEAR_10000 = new Date('+010000-01-01T00:00:00Z');

/** What may be said of every new credential, a secret or a key. */
export const credentialTerms = {
  name: line(1, 128).optional(),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .refine((date) => date < YEAR_10000, 'must be before the year 10000 in UTC')
    .optional()
    .meta({ description: 'Default: never.' }),
};
