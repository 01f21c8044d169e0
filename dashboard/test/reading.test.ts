import { expect, it } from 'vitest';
import { needsNow, takeReading } from '../src/lib/usage/reading.ts';
import { freeUsage } from './usage-of.ts';

const answering =
  (body: unknown, status = 200): typeof fetch =>
  async () =>
    Response.json(body, { status });

it('is what the server read', async () => {
  const reading = { usage: freeUsage(1), asOf: '2026-11-23T14:02:00.000Z' };
  const asked: unknown[] = [];
  const fetch: typeof globalThis.fetch = async (path) => {
    asked.push(path);
    return Response.json(reading);
  };
  expect(await takeReading(fetch)).toEqual(reading);
  expect(asked).toEqual(['/usage/now']);
});

it('is nothing, and not zero, while the API is away', async () => {
  expect(await takeReading(answering({ code: 'service_unavailable' }, 503))).toBeNull();
});

it('is nothing while the dashboard itself is away', async () => {
  expect(await takeReading(() => Promise.reject(new TypeError('fetch failed')))).toBeNull();
  expect(await takeReading(async () => new Response('<h1>Bad gateway</h1>', { status: 502 }))).toBeNull();
});

it('leads to the sign-in page when the session has ended', async () => {
  await expect(takeReading(answering({ code: 'unauthorized' }, 401))).rejects.toMatchObject({
    status: 303,
    location: '/sign-in?next=%2Fusage',
  });
});

it.each([
  ['/usage', true],
  ['/usage?range=7', true],
  ['/billing', true],
  ['/onboarding?checkout=completed', true],
  ['/agents', false],
  ['/usage/checkouts/chk_1', false],
])('the usage of now is read for %s: %s', (path, needs) => {
  expect(needsNow(new URL(path, 'http://dashboard.test'))).toBe(needs);
});
