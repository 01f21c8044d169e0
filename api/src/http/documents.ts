import { createHash } from 'node:crypto';
import { KEY_SET_MAX_AGE } from '../services/signing-keys/key-stages.ts';
import type { Answer, Request } from './route.ts';

/** A serialized public document, with its ETag. */
export interface Document {
  json: string;
  etag: string;
}

export const toDocument = (body: unknown): Document => {
  const json = JSON.stringify(body);
  return { json, etag: `"${createHash('sha256').update(json).digest('base64url').slice(0, 22)}"` };
};

/** RFC 9110 section 13.1.2, by weak comparison. */
const matches = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' ||
    ifNoneMatch.split(',').some((tagged) => tagged.trim().replace(/^W\//, '') === etag));

/** Returns the document with caching headers, or 304 if the caller has it already. */
export const answerDocument = ({ json, etag }: Document, { headers }: Pick<Request, 'headers'>): Answer => {
  const caching = { 'Cache-Control': `public, max-age=${KEY_SET_MAX_AGE}`, ETag: etag };
  return matches(headers['if-none-match'], etag)
    ? { status: 304, headers: caching }
    : { status: 200, headers: caching, json };
};
