import type { IncomingMessage } from 'node:http';
import type Koa from 'koa';
import { getRawBody } from 'raw-body';
import { Problem } from '../platform/problem.ts';
import { parseJson } from './json-text.ts';
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
      throw new Problem('content_too_large', `The body is too large. Send at most ${limit} bytes.`, {
        headers: { Connection: 'close' },
      });
    }
    throw new Problem(
      'invalid_request',
      'The connection closed before the whole body was received. Send the request again.',
      { cause: error },
    );
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Malformed = 'malformed_json' | 'invalid_request';

/** Throws, because a lenient decoder would silently replace invalid bytes. */
const decode = (bytes: Buffer, code: Malformed): string => {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new Problem(code, 'The body is not valid UTF-8.', { cause: error });
  }
};

const readText = async (ctx: Koa.Context, code: Malformed): Promise<string> => {
  const text = decode(await readBytes(ctx, MAX_BYTES), code);
  if (!text.startsWith('\ufeff')) return text;
  throw new Problem(code, 'The body starts with a byte order mark. Remove it (RFC 8259 section 8.1).');
};

/** RFC 6749 section 3.2: each parameter is sent at most once. An empty parameter counts as omitted. */
const parseForm = (text: string): unknown => {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name))
      throw new Problem('invalid_request', 'A parameter occurs more than once. Send each parameter once.');
    fields.set(name, value);
  }
  return Object.fromEntries([...fields].filter(([, value]) => value !== ''));
};

/** A JSON body can be omitted, with its Content-Type, if all its members are optional. */
export const mayBeAbsent = ({ body, bodyType = 'json' }: Pick<Route, 'body' | 'bodyType'>): boolean =>
  bodyType === 'json' && body?.safeParse({}).success === true;

/** RFC 9112 section 6.3: neither header means that there is no body. */
const isEmpty = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;

const checkType = (ctx: Koa.Context, type: string): void => {
  if (!ctx.request.is(type)) throw new Problem('unsupported_media_type', `Send the body as ${type}.`);
  if (/^(utf-?8)?$/i.test(ctx.request.charset)) return;
  throw new Problem(
    'unsupported_media_type',
    'Send the body in UTF-8. The charset parameter must be utf-8 or omitted.',
  );
};

/**
 * Reads and decodes a route's body. An omitted optional body is `{}`. Problems: `unsupported_media_type`,
 * `content_too_large`, `malformed_json`, `invalid_request`.
 */
export const readBody = async (ctx: Koa.Context, route: Route): Promise<unknown> => {
  if (isEmpty(ctx.req) && mayBeAbsent(route)) return {};
  const { bodyType = 'json' } = route;
  checkType(ctx, types[bodyType]);
  if (bodyType === 'form') return parseForm(await readText(ctx, 'invalid_request'));
  return parseJson(await readText(ctx, 'malformed_json'));
};

/** The raw bytes of a body, because its signature is checked before it is parsed. Problem: `content_too_large`. */
export const readRawBody = (ctx: Koa.Context): Promise<Buffer> => readBytes(ctx, MAX_RAW_BYTES);
