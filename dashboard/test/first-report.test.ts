import { expect, it } from 'vitest';
import { takeFirst, type FirstReport } from '../src/lib/usage/first-report.ts';

it('the report of the first page is used once, because it is old when kit loads again', () => {
  const [report, next] = [{} as FirstReport, {} as FirstReport];
  expect([report, report, next, undefined].map(takeFirst)).toEqual([report, undefined, next, undefined]);
});
