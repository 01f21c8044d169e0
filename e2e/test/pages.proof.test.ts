import lighthouse, { desktopConfig } from 'lighthouse';
import type { Flags } from 'lighthouse';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/src/ports.ts';
import { startBrowser } from './support/browser.ts';
import { fillParameters, pages } from './support/pages.ts';
import { signUpByHttp, useCalls } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

/** In milliseconds: the median of this many requests. */
const RENDERED_MS = 100;
const REQUESTS = 20;

/** The least scores, of 100. */
const DESKTOP = { accessibility: 98, performance: 98 };
const PHONE = { accessibility: 98, performance: 95 };

let stack: Stack;
let browser: Browser;
let port: number;
let person: SignedUp;
let pathOf: (route: string) => string;

beforeAll(async () => {
  port = await freePort();
  [stack, browser] = await Promise.all([
    startStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' }),
    startBrowser([`--remote-debugging-port=${port}`]),
  ]);
  person = await signUpByHttp(stack);
  await useCalls(stack, person, 820);
  pathOf = await fillParameters(stack, person);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const scoresOf = async (path: string, isDesktop: boolean) => {
  const flags: Flags = {
    port,
    onlyCategories: ['accessibility', 'performance'],
    extraHeaders: { Cookie: person.cookie },
    logLevel: 'error',
  };
  const result = await lighthouse(stack.dashboardUrl + path, flags, isDesktop ? desktopConfig : undefined);
  const { accessibility, performance } = result!.lhr.categories;
  const shift = result!.lhr.audits['cumulative-layout-shift']!.numericValue!;
  return {
    accessibility: Math.round(accessibility!.score! * 100),
    performance: Math.round(performance!.score! * 100),
    shift,
  };
};

describe.each(['/', '/pricing', '/sign-in', '/usage', '/agents'])('Lighthouse on %s', (path) => {
  it.each([
    ['a desktop', true, DESKTOP],
    ['a phone', false, PHONE],
  ] as const)('A page is light and accessible on %s', async (name, isDesktop, least) => {
    const { accessibility, performance, shift } = await scoresOf(path, isDesktop);
    console.log(`| ${path} | ${name} | ${accessibility} | ${performance} | ${shift.toFixed(3)} |`);
    expect(accessibility).toBeGreaterThanOrEqual(least.accessibility);
    expect(performance).toBeGreaterThanOrEqual(least.performance);
    expect(shift).toBeLessThan(0.01);
  });
});

it.each(pages.filter(({ isConsole }) => isConsole).map(({ route }) => route))(
  'A page is rendered within 100 ms: %s',
  async (route) => {
    const times: number[] = [];
    for (let request = 0; request < REQUESTS; request++) {
      const from = performance.now();
      const answer = await fetch(stack.dashboardUrl + pathOf(route), { headers: { cookie: person.cookie } });
      await answer.text();
      expect(answer.status).toBe(200);
      times.push(performance.now() - from);
    }
    const median = times.sort((a, b) => a - b)[REQUESTS / 2]!;
    console.log(`| ${route} | ${median.toFixed(0)} ms |`);
    expect(median).toBeLessThan(RENDERED_MS);
  },
);
