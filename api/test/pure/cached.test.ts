import { describe, expect, it } from 'vitest';
import { cached } from '../../src/platform/cached.ts';
import { passTime } from '../support/time.ts';

describe('what is kept for a while', () => {
  const LONG_MS = 3_600_000;
  /** Answers in turn, and counts. */
  const asking = (...answers: (() => Promise<string | undefined>)[]) => {
    const asked: string[] = [];
    const find = cached(LONG_MS, (name: string) => {
      asked.push(name);
      return answers.shift()!();
    });
    return { asked, find };
  };
  const found = (text: string) => () => Promise.resolve(text);
  const nothing = () => Promise.resolve(undefined);
  const failing = () => Promise.reject(new Error('away'));

  it('A failed look-up is not remembered', async () => {
    const { asked, find } = asking(failing, found('b'));
    const both = await Promise.allSettled([find('a'), find('a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect([await find('a'), await find('a')]).toEqual(['b', 'b']);
    expect(asked).toEqual(['a', 'a']);
  });

  it('nothing found is not remembered', async () => {
    const { asked, find } = asking(nothing, nothing, found('b'));
    expect([await find('a'), await find('a'), await find('a'), await find('a')]).toEqual([
      undefined,
      undefined,
      'b',
      'b',
    ]);
    expect(asked).toHaveLength(3);
  });

  it('each part of a key counts', async () => {
    const find = cached(LONG_MS, async (...key: [string, string]) => key.join('+'));
    expect([await find('a', 'b'), await find('ab', ''), await find('', 'ab')]).toEqual(['a+b', 'ab+', '+ab']);
  });

  it('a look-up that fails late forgets nothing newer', async () => {
    const first = Promise.withResolvers<string>();
    const { asked, find } = asking(() => first.promise, found('b'));
    const late = find('a');
    passTime(LONG_MS + 1_000);
    expect(await find('a')).toBe('b');
    first.reject(new Error('away'));
    await expect(late).rejects.toThrow('away');
    expect(await find('a')).toBe('b');
    expect(asked).toHaveLength(2);
  });

  it('what was found is, and each key has its own', async () => {
    const { asked, find } = asking(found('1'), found('2'));
    expect([await find('a'), await find('b'), await find('a')]).toEqual(['1', '2', '1']);
    expect(asked).toEqual(['a', 'b']);
  });
});
