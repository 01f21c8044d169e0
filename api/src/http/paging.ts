import { z } from 'zod';
import type { Page } from '../platform/page.ts';

/** The query of every list that is paged by cursor. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(1024).optional().meta({ description: 'The `nextCursor` of the previous page.' }),
};

export const pageSchema = <T extends z.ZodType>(row: T, id: string) =>
  z
    .object({
      data: z.array(row),
      nextCursor: z.string().nullable().meta({ description: '`null` on the last page.' }),
    })
    .meta({ id });

export const presentPage = <T, R>({ rows, nextCursor }: Page<T>, present: (row: T) => R) => ({
  data: rows.map(present),
  nextCursor,
});
