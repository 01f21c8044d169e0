import { isId } from './ids.ts';
import type { IdPrefix } from './ids.ts';
import { notFound } from './problem.ts';

/** What cannot be an id is not asked for: Postgres takes no NUL in a text. Problem: `not_found`. */
export const requireId = (prefix: IdPrefix, text: string): void => {
  if (!isId(prefix, text)) throw notFound();
};
