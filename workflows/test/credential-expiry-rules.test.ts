import { expect, it } from 'vitest';
import { noticesAt } from '../src/rules/credential-expiry.ts';

it('a credential is announced 1, 7 and 30 days before, to the millisecond and over the end of a month', () => {
  expect(noticesAt(new Date('2026-02-27T06:00:00.001Z'))).toEqual([
    { days: 1, until: new Date('2026-02-28T06:00:00.001Z') },
    { days: 7, until: new Date('2026-03-06T06:00:00.001Z') },
    { days: 30, until: new Date('2026-03-29T06:00:00.001Z') },
  ]);
});
