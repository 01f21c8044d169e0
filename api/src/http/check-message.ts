import type { IncomingMessage } from 'node:http';
import { Problem } from '../platform/problem.ts';

/** RFC 9110 section 7.2. Two `Host` fields arrive as one with a comma and a space between them. */
const HOST = /^(?:\[[\da-f:.]+\]|(?:[\w\-.~!$&'()*+,;=]|%[\da-f]{2})*)(?::\d*)?$/i;

/** A proxy may have read such a message otherwise, so nothing more is read of its connection. */
const headers = { Connection: 'close' };

/** Refuses what RFC 9112 has refused and Node lets through. Problems: `invalid_request`, `not_implemented`. */
export const checkMessage = ({ headers: { host, 'transfer-encoding': coding } }: IncomingMessage): void => {
  if (host !== undefined && !HOST.test(host)) {
    throw new Problem('invalid_request', 'Send one Host header, with a host and at most a port.', {
      headers,
    });
  }
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new Problem('not_implemented', 'Send the body as it is, or with "Transfer-Encoding: chunked".', {
      headers,
    });
  }
};
