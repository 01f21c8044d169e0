import { expect, it, vi } from 'vitest';
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
