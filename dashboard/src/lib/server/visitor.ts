import { isIP } from 'node:net';
import type { RequestEvent } from '@sveltejs/kit';

/**
 * The visitor's address. adapter-node throws if ADDRESS_HEADER is missing or has fewer addresses than XFF_DEPTH. Such a
 * request did not come through the proxy, so the address of the connection is used.
 */
export const visitorAddress = ({
  getClientAddress,
  platform,
}: Pick<RequestEvent, 'getClientAddress' | 'platform'>): string | undefined => {
  try {
    const address = getClientAddress();
    if (isIP(address) !== 0) return address;
  } catch {
    // No valid address: use the connection's.
  }
  return platform?.req.socket.remoteAddress;
};
