import { isIPv4 } from 'node:net';
import proxyAddr from 'proxy-addr';
import { describe, expect, it } from 'vitest';
import { addressKey, clientAddress, networkKey, parseAddress } from '../../src/platform/address.ts';

const spellings: [text: string, address: string | undefined][] = [
  ['203.0.113.8', '203.0.113.8'],
  ['203.0.113.8:40001', '203.0.113.8'],
  ['::ffff:203.0.113.8', '203.0.113.8'],
  ['::FFFF:CB00:7108', '203.0.113.8'],
  ['0:0:0:0:0:ffff:203.0.113.8', '203.0.113.8'],
  ['[::ffff:203.0.113.8]:40001', '203.0.113.8'],
  ['2001:db8::5', '2001:db8::5'],
  ['[2001:db8::5]', '2001:db8::5'],
  ['[2001:db8::5]:40001', '2001:db8::5'],
  ['2001:DB8::5', '2001:db8::5'],
  ['2001:0db8:0000:0000:0000:0000:0000:0005', '2001:db8::5'],
  ['2001:db8:0:0:1:0:0:5', '2001:db8::1:0:0:5'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['::', '::'],
  ['::1', '::1'],
  ['::203.0.113.8', '::cb00:7108'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%25eth0]:40001', 'fe80::1'],
  ...[
    ...[
      '',
      ' ',
      ':',
      '[]',
      '[]:1',
      'unknown',
      '_hidden',
      'localhost',
      'example.com',
      '<script>',
      '%',
      '%eth0',
    ],
    ...['203.0.113', '203.0.113.256', '203.0.113.08', '0xcb007108', '3405803784', '203.0.113.8:', ':40001'],
    ...['203.0.113.8:port', '203.0.113.8:123456', '[203.0.113.8]:40001', '203.0.113.8 ', '203.0.113.8/32'],
    ...['2001:db8::5::', '2001:db8', '[2001:db8::5', '2001:db8::5]', '[2001:db8::5]x', '2001:db8::g', '1::%'],
    ...['203.0.113.8\n', '\u0000', '"203.0.113.8"', 'for=203.0.113.8', '٢٠٣.0.113.8', '203。0.113.8'],
  ].map((text): [string, undefined] => [text, undefined]),
];

it.each(spellings)('An address has one form: "%s"', (text, address) => {
  expect(parseAddress(text)).toBe(address);
  if (address !== undefined) expect(parseAddress(address)).toBe(address);
});

it.each([
  ['203.0.113.8', '203.0.113.8'],
  ['2001:db8::5', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
  ['1:2:3:4::', '1:2:3:4::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
])('The limits by address take a /64 for one host: %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

it.each([
  ['203.0.113.8', '203.0.113.8'],
  ['2001:db8::5', '2001:db8:0::/48'],
  ['2001:db8:ab:cd::', '2001:db8:ab::/48'],
  ['1:2:3:4:5:6:7:8', '1:2:3::/48'],
  ['::', '0:0:0::/48'],
])('The limits by network take a /48 for one customer: %s', (address, key) => {
  expect(networkKey(address)).toBe(key);
});

it.each([
  ['64:ff9b::198.51.100.1', '198.51.100.1'],
  ['64:ff9b::c633:6402', '198.51.100.2'],
  ['64:FF9B:0:0:0:0:0.0.0.9', '0.0.0.9'],
  // Of a network's own translator (RFC 8215), which may put the IPv4 address elsewhere: no key of an IPv4 host.
  ['64:ff9b:1::198.51.100.1', '64:ff9b:1:0::/64'],
  ['64:ff9b:1:cb00:71:800::', '64:ff9b:1:cb00::/64'],
  ['64:ff9b:0:1::198.51.100.1', '64:ff9b:0:1::/64'],
  ['64:ff9b:2::198.51.100.1', '64:ff9b:2:0::/64'],
  ['64:ff9c::198.51.100.1', '64:ff9c:0:0::/64'],
  ['2001:db8:64:ff9b::198.51.100.1', '2001:db8:64:ff9b::/64'],
])('The limits by address count each IPv4 host behind NAT64 by itself: %s', (text, key) => {
  const address = parseAddress(text)!;
  expect(addressKey(address)).toBe(key);
  if (isIPv4(key)) expect(networkKey(address)).toBe(key);
});

describe('A forged hop is not believed', () => {
  const trusted = proxyAddr.compile(['loopback', '10.0.0.0/8', 'fd00::/8']);
  const trust = (address: string): boolean => trusted(address, 0);
  const many = (entry: string): string => Array.from({ length: 10_000 }, () => entry).join(', ');

  it.each<[what: string, socket: string | undefined, header: string | undefined, address: string]>([
    ['no header', '127.0.0.1', undefined, '127.0.0.1'],
    ['an empty header', '127.0.0.1', '', '127.0.0.1'],
    ['one entry of a trusted proxy', '127.0.0.1', '203.0.113.8', '203.0.113.8'],
    ['one entry of a stranger', '198.51.100.1', '203.0.113.8', '198.51.100.1'],
    ['a port', '127.0.0.1', '203.0.113.8:40001', '203.0.113.8'],
    ['an IPv6 port', '127.0.0.1', '[2001:DB8::5]:40001', '2001:db8::5'],
    ['a trusted proxy with a port', '127.0.0.1', '203.0.113.8, 10.0.0.7:443', '203.0.113.8'],
    ['trusted proxies of both families', '::1', '203.0.113.8, fd00::7, [fd00::8]:1', '203.0.113.8'],
    ['a socket of both families', '::ffff:127.0.0.1', '203.0.113.8', '203.0.113.8'],
    ['an entry left of the trusted hop', '127.0.0.1', '192.0.2.1, 203.0.113.8', '203.0.113.8'],
    ['a trusted entry left of it', '127.0.0.1', '10.0.0.1, 203.0.113.8, 10.0.0.2', '203.0.113.8'],
    ['nothing but trusted proxies', '127.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['an entry that is no address', '127.0.0.1', 'unknown', '127.0.0.1'],
    ['no address behind a proxy', '127.0.0.1', '203.0.113.8, <script>, 10.0.0.2', '10.0.0.2'],
    ['an address left of none', '127.0.0.1', '203.0.113.8, unknown', '127.0.0.1'],
    ['empty entries', '127.0.0.1', ' , ,203.0.113.8,, ,', '203.0.113.8'],
    ['only empty entries', '127.0.0.1', ', ,,', '127.0.0.1'],
    ['tabs', '127.0.0.1', '192.0.2.1,\t203.0.113.8\t', '203.0.113.8'],
    ['10,000 forged entries', '127.0.0.1', `${many('192.0.2.1')}, 203.0.113.8`, '203.0.113.8'],
    ['10,000 trusted entries', '127.0.0.1', `203.0.113.8, ${many('10.0.0.1')}`, '203.0.113.8'],
    ['10,000 empty entries', '127.0.0.1', `203.0.113.8, ${many('')}`, '203.0.113.8'],
    ['10,000 entries that are none', '127.0.0.1', many('x'), '127.0.0.1'],
    ['a socket that has closed', undefined, '203.0.113.8', '0.0.0.0'],
  ])('%s', (_what, socket, header, address) => {
    expect(clientAddress(socket, header, trust)).toBe(address);
  });
});
