import { isId, type IdPrefix } from './ids.ts';
import { notFound } from './problem.ts';

/** Checks the form before a query, because Postgres rejects NUL in a text. Problem: `not_found`. */
export const requireId = (prefix: IdPrefix, text: string): void => {
  if (!isId(prefix, text)) throw notFound();
};
