import { expect, it } from 'vitest';
import { createGate } from '../../src/http/gate.ts';

const refusal = { code: 'service_unavailable', headers: { 'Retry-After': '2' } };

it('lets so many work at once, and the others in their order', async () => {
  const gate = createGate({ atOnce: 2, waiting: 10, patienceMs: 60_000 });
  const begun: number[] = [];
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const done = ends.map(({ promise }, i) =>
    gate.run(async () => {
      begun.push(i);
      await promise;
      return i;
    }),
  );
  expect(begun).toEqual([0, 1]);
  ends[1]!.resolve();
  await done[1];
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  for (const { resolve } of ends) resolve();
  expect(await Promise.all(done)).toEqual([0, 1, 2, 3, 4]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

it('refuses whom there is no room for, and works on for the others', async () => {
  const gate = createGate({ atOnce: 1, waiting: 1, patienceMs: 60_000 });
  const end = Promise.withResolvers<string>();
  const [first, second] = [gate.run(() => end.promise), gate.run(() => Promise.resolve('second'))];
  await expect(gate.run(() => Promise.resolve('third'))).rejects.toMatchObject({
    ...refusal,
    cause: new Error('1 requests are already waiting'),
  });
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  end.resolve('first');
  expect(await Promise.all([first, second])).toEqual(['first', 'second']);
  // Nobody waits any more, and nothing waits for that.
  expect(timers()).toBe(before - 1);
  expect(await gate.run(() => Promise.resolve('fourth'))).toBe('fourth');
});

it('refuses who waits too long, and gives their place to nobody', async () => {
  const gate = createGate({ atOnce: 1, waiting: 1, patienceMs: 5 });
  const end = Promise.withResolvers<void>();
  const first = gate.run(() => end.promise);
  let ran = false;
  const late = gate.run(() => {
    ran = true;
    return Promise.resolve();
  });
  await expect(late).rejects.toMatchObject({
    ...refusal,
    cause: new Error('the request waited longer than 5 ms'),
  });
  end.resolve();
  await first;
  expect(ran).toBe(false);
  expect(await gate.run(() => Promise.resolve('next'))).toBe('next');
});

it('has room again after work that failed', async () => {
  const gate = createGate({ atOnce: 1, waiting: 0, patienceMs: 5 });
  await expect(gate.run(() => Promise.reject(new Error('broke')))).rejects.toThrow('broke');
  expect(await gate.run(() => Promise.resolve('works'))).toBe('works');
});
