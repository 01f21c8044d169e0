import { expect, it } from 'vitest';
import { refusedWords } from '../src/lib/usage/refused.ts';

it('says how many calls were refused, by reason', () => {
  expect(refusedWords({ quota: 0, rate: 0, agent: 0 })).toBeNull();
  expect(refusedWords({ quota: 1_200, rate: 0, agent: 3 })).toBe(
    'Refused today: 1,200 by the daily limit, 3 by the cap of an agent.',
  );
});
