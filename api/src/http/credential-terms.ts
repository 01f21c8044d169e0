import { z } from 'zod';
import { line } from './text.ts';

/** RFC 3339 allows four digits for a year. A time near 9999 with an offset can exceed them in UTC. */
const YEAR_10000 = new Date('+010000-01-01T00:00:00Z');

/** The fields of every new credential, for secrets and keys. */
export const credentialTerms = {
  name: line(1, 128).optional(),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .refine((date) => date < YEAR_10000, 'must be before the year 10000 in UTC')
    .optional()
    .meta({ description: 'Default: never.' }),
};
