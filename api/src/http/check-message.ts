import type { IncomingMessage } from 'node:http';
import { Problem } from '../platform/problem.ts';

/** RFC 9110 section 7.2. Two `Host` fields arrive as one with a comma and a space between them. */
const HOST = /^(?:\[[\da-f:.]+\]|(?:[\w\-.~!$&'()*+,;=]|%[\da-f]{2})*)(?::\d*)?$/i;

const headers = { Connection: 'close' };

/**
 * Rejects messages that RFC 9112 forbids and Node accepts. A proxy may have parsed such a message differently, so the
 * server handles no later request of the connection. Problems: `invalid_request`, `not_implemented`.
 */
export const findFault = (request: IncomingMessage): Problem | undefined => {
  const { host, 'transfer-encoding': coding } = request.headers;
  if (host !== undefined && !HOST.test(host)) {
    return new Problem('invalid_request', 'Send exactly one Host header with a host and an optional port.', {
      headers,
    });
  }
  if (coding === undefined) return undefined;
  // RFC 9112 section 6.1.
  if (request.httpVersion === '1.0') {
    return new Problem(
      'invalid_request',
      'HTTP/1.0 does not support Transfer-Encoding. Send a Content-Length.',
      {
        headers,
      },
    );
  }
  if (coding.toLowerCase() === 'chunked') return undefined;
  return new Problem(
    'not_implemented',
    'This transfer coding is not supported. Send a Content-Length or "Transfer-Encoding: chunked".',
    {
      headers,
    },
  );
};
