import type { IncomingHttpHeaders } from 'node:http';

/** The headers for better-auth. Creating them takes 10 times as long as reading Node's, so only its routes do it. */
export const toWebHeaders = (incoming: IncomingHttpHeaders): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
};
