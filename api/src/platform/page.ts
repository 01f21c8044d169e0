import { isId } from './ids.ts';
import type { IdPrefix } from './ids.ts';
import { fieldProblem } from './field-problem.ts';

export interface PageRequest {
  limit: number;
  cursor?: string | undefined;
}

export interface Page<T> {
  rows: T[];
  /** Opaque. Pass it to get the next page. `null`: no next page. */
  nextCursor: string | null;
}

/** The last id of the previous page. Problem: `validation_failed`. */
export const decodeCursor = (prefix: IdPrefix, cursor: string): string => {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!isId(prefix, id)) {
    const words = 'is not valid. Start again without a cursor';
    throw fieldProblem([{ path: ['query', 'cursor'], words }]);
  }
  return id;
};

/** Makes a page. Query one row more than the limit, to know whether there is a next page. */
export const toPage = <T extends { id: string }>(found: T[], limit: number): Page<T> => {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const more = found.length > limit && last;
  return { rows, nextCursor: more ? Buffer.from(last.id).toString('base64url') : null };
};
