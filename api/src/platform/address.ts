import { isIPv4, isIPv6 } from 'node:net';

/** Used if the address is unknown because the socket is closed. */
const UNSPECIFIED = '0.0.0.0';

/** The two halves of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

const toDotted = (halves: string[]): string =>
  halves.flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.');

/** Formats IPv6 as RFC 5952 says, with the URL parser. An IPv4-mapped address becomes IPv4. */
const canonicalIPv6 = (text: string): string => {
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const halves = MAPPED.exec(canonical)?.slice(1);
  return halves ? toDotted(halves) : canonical;
};

/** Some proxies add a port: `203.0.113.8:40001`, `[2001:db8::5]:40001`. */
const IPV4_PORT = /^([\d.]+):\d{1,5}$/;
const IPV6_PORT = /^\[([^\]]+)\](?::\d{1,5})?$/;

/**
 * Normalizes an IP address: no port, no zone (RFC 4007), IPv6 as in RFC 5952. `undefined` if the text is no address.
 * Use only normalized addresses in keys and columns.
 */
export const parseAddress = (text: string): string | undefined => {
  const v4 = IPV4_PORT.exec(text)?.[1] ?? text;
  if (isIPv4(v4)) return v4;
  const v6 = IPV6_PORT.exec(text)?.[1] ?? text;
  return isIPv6(v6) ? canonicalIPv6(v6.replace(/%.*/, '')) : undefined;
};

/** Whether the address belongs to a trusted proxy. */
export type Trust = (address: string) => boolean;

/**
 * The client address of a request. Starting at the socket, each trusted proxy is followed to the address that it added
 * to `X-Forwarded-For`. If that cannot be parsed, the address of the proxy is used. Nothing to the left of the first
 * untrusted address is read, because the caller wrote it.
 */
export const clientAddress = (
  socketAddress: string | undefined,
  forwardedFor: string | undefined,
  trust: Trust,
): string => {
  let nearest = parseAddress(socketAddress ?? '') ?? UNSPECIFIED;
  let rest = forwardedFor ?? '';
  while (rest !== '' && trust(nearest)) {
    const comma = rest.lastIndexOf(',');
    const entry = rest.slice(comma + 1).trim();
    rest = rest.slice(0, Math.max(0, comma));
    // RFC 9110 section 5.6.1.2: ignore empty list elements.
    if (entry === '') continue;
    const next = parseAddress(entry);
    if (next === undefined) break;
    nearest = next;
  }
  return nearest;
};

/** NAT64 (RFC 6052 section 2.1): all IPv4 hosts behind a translator share one /96. Their own address is at the end. */
const TRANSLATED = /^64:ff9b:0:0:0:0:([\da-f]{1,4}):([\da-f]{1,4})$/;

/** The key of a limit by address. An IPv6 host has a whole /64, so its addresses count as one. */
export const addressKey = (address: string): string => {
  if (isIPv4(address)) return address;
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right];
  const halves = TRANSLATED.exec(groups.join(':'))?.slice(1);
  return halves ? toDotted(halves) : `${groups.slice(0, 4).join(':')}::/64`;
};

/** Like `addressKey`, but for IPv6 the /48 that one customer can have: 65,536 times a /64. */
export const networkKey = (address: string): string => {
  const key = addressKey(address);
  return isIPv4(key) ? key : `${key.split(':').slice(0, 3).join(':')}::/48`;
};
