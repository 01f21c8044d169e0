import type { IncomingHttpHeaders } from 'node:http';

/** The ETag of a row, made of its revision (RFC 9110 section 8.8.3). */
export const etagOf = (revision: number): string => `"${revision}"`;

/**
 * The revisions that `If-Match` allows, by strong comparison (RFC 9110 section 13.1.1). `undefined`: any. An ETag that
 * is not ours matches no revision.
 */
export const allowedRevisions = (headers: IncomingHttpHeaders): number[] | undefined => {
  const value = headers['if-match']?.trim();
  if (value === undefined || value === '*') return undefined;
  return value.split(',').flatMap((text) => {
    const revision = /^"([1-9]\d{0,9})"$/.exec(text.trim())?.[1];
    return revision === undefined ? [] : [Number(revision)];
  });
};
