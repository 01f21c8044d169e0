/**
 * Only answers to GET. Secrets are shown in answers to forms alone, and the length of a compressed page tells of a secret
 * that stands beside a text of an attacker's choice (BREACH).
 */
const mayCompress = ({ method, headers: asked }: Request, { body, headers }: Response): boolean =>
  body !== null &&
  method === 'GET' &&
  /\bgzip\b/.test(asked.get('accept-encoding') ?? '') &&
  /^(text\/html|application\/json)\b/.test(headers.get('content-type') ?? '') &&
  !headers.has('content-encoding');

/** The response as gzip, if the browser accepts it (RFC 9110, section 12.5.3). A page has a fifth of its bytes then. */
export const compress = (request: Request, response: Response): Response => {
  if (!mayCompress(request, response)) return response;
  const headers = new Headers(response.headers);
  headers.set('content-encoding', 'gzip');
  headers.append('vary', 'accept-encoding');
  // They are of the uncompressed page.
  for (const name of ['content-length', 'etag']) headers.delete(name);
  const body = response.body!.pipeThrough(new CompressionStream('gzip'));
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
};
