import { describe, expect, it } from 'vitest';
import { forget, remember } from '../../src/platform/remember.ts';

describe('an answer that may not be there yet', () => {
  type Answer = PromiseWithResolvers<string>;
  const create = () => {
    const memory = new Map<string, Promise<string>>();
    const [first, second]: [Answer, Answer] = [Promise.withResolvers(), Promise.withResolvers()];
    return { memory, first, second };
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is remembered from the question on, and afterwards if it lasts', async () => {
    const { memory, first, second } = create();
    expect(remember(memory, 'a', first.promise, (text) => text !== '')).toBe(first.promise);
    void remember(memory, 'b', second.promise, (text) => text !== '');
    expect([memory.get('a'), memory.get('b')]).toEqual([first.promise, second.promise]);
    first.resolve('found');
    second.resolve('');
    await turn();
    expect([...memory]).toEqual([['a', first.promise]]);
  });

  it('is forgotten if it is a failure, and no rejection is left unhandled', async () => {
    const { memory, first } = create();
    const answer = remember(memory, 'a', first.promise, () => true);
    first.reject(new Error('away'));
    await expect(answer).rejects.toThrow('away');
    await turn();
    expect(memory.size).toBe(0);
  });

  it('does not take a newer answer of its key with it', async () => {
    const { memory, first, second } = create();
    void remember(memory, 'a', first.promise, () => false);
    void remember(memory, 'a', second.promise, () => true);
    first.resolve('old');
    await turn();
    forget(memory, 'a', first.promise);
    expect(memory.get('a')).toBe(second.promise);
    forget(memory, 'a', second.promise);
    expect(memory.size).toBe(0);
  });
});
