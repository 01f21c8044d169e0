import type Koa from 'koa';
import { getRawBody } from 'raw-body';
import { Problem } from '../platform/problem.ts';
import type { Route } from './route.ts';

const MAX_BYTES = 64 * 1024;
/** Stripe's events carry whole objects. */
const MAX_RAW_BYTES = 1024 * 1024;

const types = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;

const readBytes = async (ctx: Koa.Context, limit: number): Promise<Buffer> => {
  const { 'content-length': length, 'content-encoding': coding } = ctx.req.headers;
  if (coding !== undefined && coding !== 'identity') {
    throw new Problem('unsupported_media_type', 'Send the body without Content-Encoding.');
  }
  try {
    return await getRawBody(ctx.req, { length, limit });
  } catch (error) {
    if ((error as { status?: number }).status === 413) {
      throw new Problem('content_too_large', `A body has at most ${limit} bytes.`, {
        headers: { Connection: 'close' },
      });
    }
    throw new Problem('invalid_request', 'The body could not be read to its end.', { cause: error });
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A byte that is no UTF-8 would become another character, and nobody would know. */
const decode = (bytes: Buffer, code: 'malformed_json' | 'invalid_request'): string => {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new Problem(code, 'The body is not valid UTF-8.', { cause: error });
  }
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem('malformed_json', 'The body is not valid JSON.', { cause: error });
  }
};

/** RFC 6749 section 3.2: a parameter is sent once; sent without a value it counts as omitted. */
const parseForm = (text: string): unknown => {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) throw new Problem('invalid_request', 'A parameter is repeated.');
    fields.set(name, value);
  }
  return Object.fromEntries([...fields].filter(([, value]) => value !== ''));
};

/** Reads and decodes a route's body. Problems: `unsupported_media_type`, `content_too_large`, `malformed_json`. */
export const readBody = async (ctx: Koa.Context, { bodyType = 'json' }: Route): Promise<unknown> => {
  const type = types[bodyType];
  if (!ctx.request.is(type)) {
    throw new Problem('unsupported_media_type', `Send the body as ${type}.`);
  }
  const bytes = await readBytes(ctx, MAX_BYTES);
  if (bodyType === 'form') return parseForm(decode(bytes, 'invalid_request'));
  return parseJson(decode(bytes, 'malformed_json'));
};

/** The bytes of a body that is not to be read before its signature was checked. Problem: `content_too_large`. */
export const readRawBody = (ctx: Koa.Context): Promise<Buffer> => readBytes(ctx, MAX_RAW_BYTES);
