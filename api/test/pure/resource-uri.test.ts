import { describe, expect, it } from 'vitest';
import {
  canonicalForms,
  canonicalResource,
  isResource,
  isResourceUri,
  mayBeStored,
} from '../../src/platform/resource-uri.ts';

describe('the identifier of a resource', () => {
  it.each([
    ...[
      'https://crm.example',
      'https://crm.example/',
      'http://a:80/b?c=d/?',
      'HTTPS://A.Example:8443/x;y=1/z',
    ],
    ...["https://user:pw@crm.example/~a!$&'()*+,;=:@-._", 'https://[2001:db8::1]:443/x', 'https://a/%C3%a9'],
    ...[
      'https://a//b/',
      'https://a?',
      'urn:example:a/b?c',
      'urn:a',
      'api://0f/x',
      'x+y-z.1:a',
      'tag:/a',
      'tag:/',
    ],
    ...['tag:///a', 'tag://a:/b'],
  ])('is an absolute URI: %s', (text) => {
    expect(isResourceUri(text)).toBe(true);
  });

  it.each([
    ...[
      '',
      'crm.example',
      '/agents',
      '//crm.example',
      'https:',
      'urn:',
      '1a:b',
      '+a:b',
      'a_b:c',
      ':a',
      'é:a',
    ],
    ...[
      'https://a#x',
      'https://a b',
      ' https://a',
      'https://a ',
      'https://a\n',
      'https://a/é',
      'https://a/"',
      'https://a/<',
    ],
    ...['https://a\\b', 'https:a', 'https:/a', 'https:\\\\a', 'http:///a', 'http://', 'http://?a', 'HTTPS:A'],
    ...[
      'https://a/%',
      'https://a/%4',
      'https://a/%zz',
      'https://[::1',
      'https://[x]',
      'https://a:b',
      'https://a:1x',
    ],
    ...['https://a:65536', 'urn:a?{', 'urn:a#', 'https://a?b#c', 'https://a@b@c', 'urn:[a]', 'https://a/[b]'],
  ])('is none: %j', (text) => {
    expect(isResourceUri(text)).toBe(false);
    expect(canonicalForms(text)).toEqual([]);
    expect(isResource(text, 'https://a')).toBe(false);
  });

  it.each([
    ['https://crm.example/', 'https://crm.example'],
    ['HTTPS://CRM.Example:443', 'https://crm.example'],
    ['http://crm.example:80/', 'http://crm.example'],
    ['https://crm.example:8443/', 'https://crm.example:8443'],
    ['https://crm.example/x/../API?v=2', 'https://crm.example/API?v=2'],
    ['https://crm.example/%7e%41%2Db%2f%c3%a9', 'https://crm.example/~A-b%2F%C3%A9'],
    ['https://crm.example/%2e%5f%30%7a', 'https://crm.example/._0z'],
    ['https://crm.example/?', 'https://crm.example/?'],
    ['URN:Example:%7Eb%2fc', 'urn:Example:~b%2Fc'],
    ['tag:x/../y', 'tag:x/../y'],
    ['API://0F/x/../y', 'api://0F/x/../y'],
  ])('has one text for all spellings: %s', (spelling, canonical) => {
    expect(canonicalResource(spelling)).toBe(canonical);
    expect(isResource(spelling, canonical)).toBe(true);
    expect(isResource(canonical, spelling)).toBe(true);
  });

  it.each([
    ...['https://a/B', 'https://a/b/', 'https://a/b?', 'http://a/b', 'https://a:444/b', 'https://user@a/b'],
    ...['https://a/b%2F', 'https://a.evil/b', 'https://a/b%3B'],
  ])('is not another one: %s', (other) => {
    expect(isResource(other, 'https://a/b')).toBe(false);
  });

  it('is looked for as it was stored before, then in its one text', () => {
    expect(canonicalForms('HTTPS://A/%7eb')).toEqual(['https://a/%7eb', 'https://a/~b']);
  });

  it.each([
    ['!', true],
    ['~', true],
    ['x'.repeat(256), true],
    ['x'.repeat(257), false],
    ['', false],
    [' ', false],
    ['a b', false],
    ['\x7f', false],
    ['é', false],
    ['a\n', false],
  ])('may be stored: %j %s', (text, expected) => {
    expect(mayBeStored(text)).toBe(expected);
  });
});
