import { isIPv4, isIPv6 } from 'node:net';

/** What stands for an address that nobody can know any more: the socket is closed. */
const UNSPECIFIED = '0.0.0.0';

/** The two halves of an IPv4 address that RFC 4291 section 2.5.5.2 maps into IPv6. */
const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

const toDotted = (halves: string[]): string =>
  halves.flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.');

/** RFC 5952, by the URL parser; an IPv4 address that a socket of both families shows as IPv6 is itself. */
const canonicalIPv6 = (text: string): string => {
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const halves = MAPPED.exec(canonical)?.slice(1);
  return halves ? toDotted(halves) : canonical;
};

/** With a port after them, as some proxies write addresses: `203.0.113.8:40001`, `[2001:db8::5]:40001`. */
const IPV4_PORT = /^([\d.]+):\d{1,5}$/;
const IPV6_PORT = /^\[([^\]]+)\](?::\d{1,5})?$/;

/**
 * The one way to write an IP address: without port and zone (RFC 4007), IPv6 as RFC 5952 has it. `undefined` for text
 * that is none. Only what comes from here is a key or a column.
 */
export const parseAddress = (text: string): string | undefined => {
  const v4 = IPV4_PORT.exec(text)?.[1] ?? text;
  if (isIPv4(v4)) return v4;
  const v6 = IPV6_PORT.exec(text)?.[1] ?? text;
  return isIPv6(v6) ? canonicalIPv6(v6.replace(/%.*/, '')) : undefined;
};

/** Whether a proxy of this address is believed. */
export type Trust = (address: string) => boolean;

/**
 * The address that a request comes from. From the socket outwards, a trusted proxy is believed about the address that
 * it has added to `X-Forwarded-For`. What cannot be parsed is not believed: the proxy that said so stands instead.
 * What the caller wrote to the left of the first untrusted address is never read.
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
    // RFC 9110 section 5.6.1.2: an empty element of a list is none.
    if (entry === '') continue;
    const next = parseAddress(entry);
    if (next === undefined) break;
    nearest = next;
  }
  return nearest;
};

/** NAT64 (RFC 6052 section 2.1): all IPv4 hosts behind a translator have addresses of one /96, which end in their own. */
const TRANSLATED = /^64:ff9b:0:0:0:0:([\da-f]{1,4}):([\da-f]{1,4})$/;

/** What a limit by address counts: an IPv6 host has a /64 to itself, so its addresses are one. */
export const addressKey = (address: string): string => {
  if (isIPv4(address)) return address;
  const [left = [], right = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right];
  const halves = TRANSLATED.exec(groups.join(':'))?.slice(1);
  return halves ? toDotted(halves) : `${groups.slice(0, 4).join(':')}::/64`;
};

/** As `addressKey`, but of IPv6 the /48 that one customer may have: 65,536 times a /64. */
export const networkKey = (address: string): string => {
  const key = addressKey(address);
  return isIPv4(key) ? key : `${key.split(':').slice(0, 3).join(':')}::/48`;
};
