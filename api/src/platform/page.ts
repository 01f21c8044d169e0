import { isId, type IdPrefix } from './ids.ts';
import { fieldProblem } from './field-problem.ts';
import type { Problem } from './problem.ts';

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<T> {
  rows: T[];
  /** Opaque. Pass it to get the next page. `null`: no next page. */
  nextCursor: string | null;
}

/** `words` continue after "Cursor". Problem: `validation_failed`. */
export const invalidCursor = (words = 'is not valid. Start again without a cursor'): Problem =>
  fieldProblem([{ path: ['query', 'cursor'], words }]);

/** The last id of the previous page. Problem: `validation_failed`. */
export const decodeCursor = (prefix: IdPrefix, cursor: string): string => {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isId(prefix, id)) throw invalidCursor();
  return id;
};

const encodeId = ({ id }: { id: string }): string => Buffer.from(id).toString('base64url');

/** A cursor of several values, for a list that is sorted by more than the id. */
export const encodeValues = (values: readonly string[]): string =>
  Buffer.from(JSON.stringify(values)).toString('base64url');

/** Postgres has no NUL in its text, and no half of a surrogate pair. */
const isStorable = (value: unknown): value is string =>
  typeof value === 'string' && value.isWellFormed() && !value.includes('\u0000');

/** Problem: `validation_failed`. */
export const decodeValues = (cursor: string): string[] => {
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalidCursor();
  }
  if (!Array.isArray(values) || !values.every(isStorable)) throw invalidCursor();
  return values;
};

/**
 * Makes a page. Query one row more than the limit, to know whether there is a next page. `cursorOf` is the cursor to
 * the rows after this one. Default: its id.
 */
export const toPage = <T extends { id: string }>(
  found: T[],
  limit: number,
  cursorOf: (row: T) => string = encodeId,
): Page<T> => {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, nextCursor: found.length > limit && last ? cursorOf(last) : null };
};
