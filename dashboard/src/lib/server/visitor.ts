import { isIP } from 'node:net';
import type { RequestEvent } from '@sveltejs/kit';

/**
 * The visitor's address. adapter-node throws where ADDRESS_HEADER is missing or has fewer addresses than XFF_DEPTH; what
 * came past the proxy counts as the connection's own address then.
 */
export const visitorAddress = ({
  getClientAddress,
  platform,
}: Pick<RequestEvent, 'getClientAddress' | 'platform'>): string | undefined => {
  try {
    const told = getClientAddress();
    if (isIP(told) !== 0) return told;
  } catch {
    // As above.
  }
  return platform?.req.socket.remoteAddress;
};
