import { describe, expect, it, vi } from 'vitest';
import { createDeviceCookies } from '../../src/http/device-cookie.ts';

const DASHBOARD_URL = 'http://dashboard.test';

it('A browser that was seen 180 days ago is a stranger', () => {
  const cookies = createDeviceCookies({ AUTH_SECRET: 'x'.repeat(32), DASHBOARD_URL });
  const issue = (age: number) => {
    const days = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - age * 86_400_000);
    const [pair] = cookies.issue('a@example.com', undefined).split(';');
    days.mockRestore();
    return pair!;
  };
  expect(cookies.read('a@example.com', issue(179))).toMatch(/^dev_/);
  expect(cookies.read('a@example.com', issue(181))).toBeUndefined();
  expect(cookies.read('b@example.com', issue(1))).toBeUndefined();
});

it('A browser is known to the last eight accounts, each once', () => {
  const cookies = createDeviceCookies({ AUTH_SECRET: 'x'.repeat(32), DASHBOARD_URL });
  const names = Array.from({ length: 12 }, (_, i) => `${i}@example.com`);
  let cookie = '';
  for (const name of ['0@example.com', ...names, '7@example.com']) {
    [cookie] = cookies.issue(name, cookie).split(';') as [string];
  }
  expect(names.filter((name) => cookies.read(name, cookie))).toEqual(names.slice(4));
  expect(cookie.length).toBeLessThan(700);
  // What a browser has from before there were several.
  const [first] = cookies.issue('a@example.com', undefined).split(';');
  expect(first).toMatch(/^sentryagent-device=dev_[0-9a-z]{26}\.[\w-]{43}$/);
});

it.each([
  [
    'http://dashboard.test',
    /^sentryagent-device=dev_[^;]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/,
  ],
  [
    'https://dashboard.test',
    /^__Host-sentryagent-device=dev_[^;]+; Max-Age=15552000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  ],
])('A cookie of %s is kept for 180 days, and by https alone if it came so', (url, line) => {
  const cookies = createDeviceCookies({ AUTH_SECRET: 'x'.repeat(32), DASHBOARD_URL: url });
  expect(cookies.issue('a@example.com', undefined)).toMatch(line);
});

it('A mark is valid for as long as 180 days, to the millisecond', () => {
  const cookies = createDeviceCookies({ AUTH_SECRET: 'x'.repeat(32), DASHBOARD_URL });
  const clock = vi.spyOn(Date, 'now').mockReturnValue(1_800_000_000_000);
  const [pair] = cookies.issue('a@example.com', undefined).split(';');
  const isKnownAfter = (ms: number): boolean => {
    clock.mockReturnValue(1_800_000_000_000 + ms);
    return cookies.read('a@example.com', pair) !== undefined;
  };
  expect([0, 180 * 86_400_000 - 1, 180 * 86_400_000].map(isKnownAfter)).toEqual([true, true, false]);
  clock.mockRestore();
});

describe('A mark that was made up is none', () => {
  const cookies = createDeviceCookies({ AUTH_SECRET: 'x'.repeat(32), DASHBOARD_URL });
  const strangers = createDeviceCookies({ AUTH_SECRET: 'y'.repeat(32), DASHBOARD_URL });
  const markOf = (from: typeof cookies): string => from.issue('a@example.com', undefined).split(/[=;]/)[1]!;
  const mark = markOf(cookies);
  const [id, signature] = mark.split('.') as [string, string];
  const [otherId] = markOf(cookies).split('.');
  it.each([
    ['by another server', markOf(strangers)],
    ['with another id', `${otherId}.${signature}`],
    ['without a signature', id],
    ['with something before it', `x${mark}`],
    ['with something after it', `${mark}x`],
    ['with a shorter signature', mark.slice(0, -1)],
    ['with a longer id', `dev_0${id.slice(4)}.${signature}`],
    ['that is empty', ''],
  ])('%s', (_what, text) => {
    expect(cookies.read('a@example.com', `sentryagent-device=${text}`)).toBeUndefined();
    expect(cookies.read('a@example.com', `sentryagent-device=${text}~${mark}`)).toBe(id);
    expect(cookies.read('a@example.com', `a=b; sentryagent-device=${mark}~${text}`)).toBe(id);
  });

  it('in a cookie of another name, or with eight after it', () => {
    expect(cookies.read('a@example.com', `sentryagent=${mark}`)).toBeUndefined();
    const eight = Array.from({ length: 8 }, () => 'x').join('~');
    expect(cookies.read('a@example.com', `sentryagent-device=${mark}~${eight}`)).toBeUndefined();
    expect(cookies.read('a@example.com', `sentryagent-device=${mark}~${eight.slice(2)}`)).toBe(id);
  });
});

it('A sign-in that is repeated keeps its mark, as the newest, and drops what is no mark', () => {
  const cookies = createDeviceCookies({ AUTH_SECRET: 'x'.repeat(32), DASHBOARD_URL });
  const marksAfter = (account: string, cookie?: string): string[] =>
    cookies.issue(account, cookie).split(/[=;]/)[1]!.split('~');
  const [a] = marksAfter('a@example.com');
  const two = marksAfter('b@example.com', `sentryagent-device=x~${a}`);
  expect(two).toEqual([a, expect.stringMatching(/^dev_/)]);
  expect(marksAfter('a@example.com', `sentryagent-device=${two.join('~')}`)).toEqual([two[1], a]);
});
