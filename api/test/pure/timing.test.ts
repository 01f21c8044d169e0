import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createSharedClock, systemClock } from '../../src/platform/clock.ts';
import { every } from '../../src/platform/every.ts';
import { batch } from '../../src/services/usage/batch.ts';
import { inTime } from '../../src/platform/in-time.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('work that repeats', () => {
  const begin = (work: () => Promise<void>) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const lines: { level: number; msg: string; err?: { message: string } }[] = [];
    const logger = pino({ base: null }, { write: (text: string) => void lines.push(JSON.parse(text)) });
    return { lines, stop: every(1_000, logger, 'counting', work) };
  };
  const turn = (): Promise<void> => new Promise(setImmediate);

  it('runs after each interval, until it is stopped', async () => {
    let runs = 0;
    const { stop } = begin(async () => void runs++);
    vi.advanceTimersByTime(999);
    expect(runs).toBe(0);
    for (const expected of [1, 2, 3]) {
      vi.advanceTimersByTime(1_000);
      await turn();
      expect(runs).toBe(expected);
    }
    stop();
    vi.advanceTimersByTime(10_000);
    expect(runs).toBe(3);
  });

  it('does not begin again before it has ended', async () => {
    const ends: PromiseWithResolvers<void>[] = [];
    const { stop } = begin(() => {
      ends.push(Promise.withResolvers());
      return ends.at(-1)!.promise;
    });
    vi.advanceTimersByTime(5_000);
    expect(ends).toHaveLength(1);
    ends[0]!.resolve();
    await turn();
    vi.advanceTimersByTime(1_000);
    expect(ends).toHaveLength(2);
    stop();
  });

  it('logs a failure and runs again', async () => {
    let runs = 0;
    const { lines, stop } = begin(() =>
      ++runs === 1 ? Promise.reject(new Error('lost')) : Promise.resolve(),
    );
    vi.advanceTimersByTime(1_000);
    await turn();
    vi.advanceTimersByTime(1_000);
    await turn();
    expect(runs).toBe(2);
    expect(lines.map(({ level, msg, err }) => [level, msg, err?.message])).toEqual([
      [40, 'counting failed and is retried', 'lost'],
    ]);
    stop();
  });
});

it('work that repeats does not keep the process alive', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const stop = every(60_000, pino({ enabled: false }), 'counting', async () => {});
  expect(timers()).toBe(before);
  stop();
});

describe('questions of one turn of the event loop', () => {
  it('are asked at once, and each gets its own answer', async () => {
    const asked: string[][] = [];
    const ask = batch(async (questions: string[]) => {
      asked.push(questions);
      return questions.map((question) => question.toUpperCase());
    });
    expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['A', 'B', 'C']);
    expect(await ask('d')).toBe('D');
    expect(asked).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('all fail if asking fails, and later ones do not', async () => {
    const answers = [() => Promise.reject(new Error('lost')), () => Promise.resolve([1])];
    const ask = batch(() => answers.shift()!());
    const both = await Promise.allSettled([ask('a'), ask('b')]);
    expect(both.map((result) => (result.status === 'rejected' ? result.reason.message : result))).toEqual([
      'lost',
      'lost',
    ]);
    expect(await ask('c')).toBe(1);
  });
});

describe('an answer with a time limit', () => {
  const late = () => new Error('late');

  it('is passed on, a failure too, and the limit is over with it', async () => {
    const tooLate = vi.fn(late);
    expect(await inTime(5, Promise.resolve('answer'), tooLate)).toBe('answer');
    await expect(inTime(5, Promise.reject(new Error('refused')), tooLate)).rejects.toThrow('refused');
    await wait(20);
    expect(tooLate).not.toHaveBeenCalled();
  });

  it('fails after that time', async () => {
    const begun = performance.now();
    await expect(inTime(30, new Promise(() => {}), late)).rejects.toThrow('late');
    // A timer may fire a millisecond early.
    expect(performance.now() - begun).toBeGreaterThan(28);
  });

  it('is taken if it came while this process could not read it', async () => {
    const { port1: near, port2: far } = new MessageChannel();
    // After an immediate, timers are next, and only then what came in.
    await new Promise((resolve) => setImmediate(resolve));
    const answer = inTime(5, once(far, 'message'), late);
    near.postMessage('answer');
    const end = performance.now() + 20;
    while (performance.now() < end);
    expect(await answer).toEqual(['answer']);
    near.close();
  });
});

describe('a clock', () => {
  it('of the system is the time of now', () => {
    const before = Date.now();
    const now = systemClock().getTime();
    expect(now >= before && now <= Date.now()).toBe(true);
  });

  it('that is shared starts with another one, then goes on from the last time that it saw', () => {
    const passed = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    const clock = createSharedClock(() => new Date(5));
    expect(clock.now()).toEqual(new Date(5));
    clock.saw(new Date(1_800_000_000_000));
    expect(clock.now()).toEqual(new Date(1_800_000_000_000));
    passed.mockReturnValue(1_250);
    expect(clock.now()).toEqual(new Date(1_800_000_000_250));
    clock.saw(new Date(1_700_000_000_000));
    passed.mockReturnValue(1_251);
    expect(clock.now()).toEqual(new Date(1_700_000_000_001));
  });
});
