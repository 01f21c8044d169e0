import { building } from '$app/env';
import { sequence, type Handle, type HandleServerError, type ServerInit } from '@sveltejs/kit/hooks';
import { compress } from '#lib/server/compress.ts';
import { checkConfig, config } from '#lib/server/config.ts';
import { isForeignMutation, refuseForeign, secureHeaders } from '#lib/server/security.ts';

export const init: ServerInit = () => {
  if (!building) checkConfig();
};

/** The font of the first text. The others are for other alphabets, and are loaded if a page needs them. */
const isFirst = (type: string, path: string): boolean =>
  type === 'js' || type === 'css' || (type === 'font' && /\/inter-latin-wght-normal\./.test(path));

const finish: Handle = async ({ event, resolve }) => {
  const response = await resolve(event, { preload: ({ type, path }) => isFirst(type, path) });
  const secret = event.route.id?.startsWith('/(console)') || event.request.method !== 'GET';
  secureHeaders(response.headers, { ...config, secret });
  return compress(event.request, response);
};

const refuseForeignMutations: Handle = ({ event, resolve }) =>
  isForeignMutation(event.request, config.origin)
    ? refuseForeign(event.request, config.origin)
    : resolve(event);

export const handle = sequence(finish, refuseForeignMutations);

/** Logs every server error. The user sees no details of an unexpected one. */
export const handleError: HandleServerError = ({ kind, error, event }) => {
  const asked = `${event.request.method} ${event.url.pathname}`;
  if (kind === 'unknown') {
    console.error(asked, error);
    return { message: 'Something went wrong on our side. Try again in a moment.' };
  }
  if (error.status >= 500) console.error(asked, error.status, error.message);
};
