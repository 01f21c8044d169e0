import { isId } from './ids.ts';
import type { IdPrefix } from './ids.ts';
import { Problem } from './problem.ts';

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<T> {
  rows: T[];
  /** Opaque: hand it back to get the next page; `null` at the end. */
  nextCursor: string | null;
}

/** The id that the page before ended with. Problem: `validation_failed`. */
export const decodeCursor = (prefix: IdPrefix, cursor: string): string => {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isId(prefix, id))
    throw new Problem('validation_failed', 'The cursor is invalid. Start again without a cursor.');
  return id;
};

/** Makes a page of rows of which one more than the limit was asked for. */
export const toPage = <T extends { id: string }>(found: T[], limit: number): Page<T> => {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const more = found.length > limit && last;
  return { rows, nextCursor: more ? Buffer.from(last.id).toString('base64url') : null };
};
