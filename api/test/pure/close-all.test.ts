import { pino } from 'pino';
import { expect, it } from 'vitest';
import { closeAll } from '../../src/platform/close-all.ts';

type Line = Record<string, unknown>;

it('Parts that fail or hang keep no other open', async () => {
  const logs: Line[] = [];
  const logger = pino({ base: null }, { write: (text: string) => void logs.push(JSON.parse(text)) });
  const done: string[] = [];
  const parts = {
    absent: undefined,
    first: () => void done.push('first'),
    throwing: () => {
      throw new Error('broken');
    },
    rejecting: async () => Promise.reject(new Error('refused')),
    hanging: () => new Promise<void>(() => {}),
    last: async () => void done.push('last'),
  };
  expect(await closeAll(parts, 100, logger)).toBe(false);
  expect(done).toEqual(['first', 'last']);
  expect(logs.map(({ msg, part, err }) => [msg, part, (err as Error).message])).toEqual([
    ['a part could not be closed', 'throwing', 'broken'],
    ['a part could not be closed', 'rejecting', 'refused'],
    ['a part could not be closed', 'hanging', 'not closed within 100 ms'],
  ]);
  const { first, last } = parts;
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  expect(await closeAll({ first, last }, 60_000, logger)).toBe(true);
  // Nothing of it keeps the process alive.
  expect(timers()).toBe(before);
});
