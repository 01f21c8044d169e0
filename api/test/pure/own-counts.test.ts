import { afterAll, expect, it } from 'vitest';
import { createOwnCounts } from '../../src/services/usage/own-counts.ts';
import { passTime, restoreTime } from '../support/time.ts';

afterAll(restoreTime);

const HOUR_MS = 3_600_000;

const day = { tenantId: 'ten_1', day: 20_000 };

it('A count is forgotten once it is stored and two days old, and not before', () => {
  const own = createOwnCounts('api_one');
  own.add(day, false);
  own.add(day, false);
  own.stored([{ ...day, source: 'api_one', count: 1 }]);
  own.stored([{ ...day, source: 'api_two', count: 9 }]);
  passTime(100 * HOUR_MS);
  own.forgetOld();
  expect(own.unstored()).toEqual([{ ...day, source: 'api_one', count: 2 }]);

  own.stored(own.unstored());
  own.add({ ...day, day: 20_001 }, false);
  own.stored(own.unstored());
  own.forgetOld();
  expect(own.all()).toEqual([{ ...day, day: 20_001, source: 'api_one', count: 1 }]);
  passTime(49 * HOUR_MS);
  own.forgetOld();
  expect(own.all()).toEqual([]);
});

it('What Redis may not know is kept, and written by its own way alone', () => {
  const own = createOwnCounts('api_one');
  own.add(day, true);
  expect(own.unstored()).toEqual([]);
  own.stored([{ ...day, source: 'api_one', count: 1 }]);
  passTime(100 * HOUR_MS);
  own.forgetOld();
  expect(own.takeUnsynced()).toEqual([{ ...day, source: 'api_one', count: 1 }]);
  own.forgetOld();
  expect(own.all()).toEqual([]);
});
