import { expect, it } from 'vitest';
import { coalesce } from '../../src/platform/coalesce.ts';

/** Work whose runs the test ends one by one. */
const createWork = () => {
  const runs: PromiseWithResolvers<void>[] = [];
  let atOnce = 0;
  let most = 0;
  const coalesced = coalesce(async () => {
    most = Math.max(most, ++atOnce);
    const run = Promise.withResolvers<void>();
    runs.push(run);
    await run.promise.finally(() => atOnce--);
  });
  return { ...coalesced, runs, most: () => most };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The names of the promises that have settled, in the order in which they did. */
const follow = (promises: Record<string, Promise<void>>): string[] => {
  const settled: string[] = [];
  for (const [name, promise] of Object.entries(promises)) {
    promise.then(
      () => settled.push(name),
      (error: Error) => settled.push(`${name}: ${error.message}`),
    );
  }
  return settled;
};

it('serves all who ask during a run with one more run, and each with a run that began after its call', async () => {
  const work = createWork();
  const settled = follow({ first: work.run(), second: work.run(), third: work.run() });
  expect(work.runs).toHaveLength(1);
  work.runs[0]!.resolve();
  await turn();
  expect([settled, work.runs.length]).toEqual([['first'], 2]);
  const later = follow({ fourth: work.run() });
  work.runs[1]!.resolve();
  await turn();
  expect([settled, later, work.runs.length]).toEqual([['first', 'second', 'third'], [], 3]);
  work.runs[2]!.resolve();
  await turn();
  expect([later, work.runs.length]).toEqual([['fourth'], 3]);
});

it('tells a failure to those who waited for that run, and begins the next run', async () => {
  const work = createWork();
  const settled = follow({ first: work.run(), second: work.run() });
  work.runs[0]!.reject(new Error('lost'));
  await turn();
  expect([settled, work.runs.length]).toEqual([['first: lost'], 2]);
  work.runs[1]!.resolve();
  await turn();
  expect(settled).toEqual(['first: lost', 'second']);
  const after = follow({ third: work.run() });
  work.runs[2]!.resolve();
  await turn();
  expect(after).toEqual(['third']);
});

it('never runs twice at once, though somebody asks as a run ends', async () => {
  const work = createWork();
  const asked = [work.run(), work.run()];
  const end = work.runs[0]!;
  // One call in each microtask between the end of the first run and the begin of the second.
  let last = end.promise;
  for (let i = 0; i < 10; i++) last = last.then(() => void asked.push(work.run()));
  end.resolve();
  await turn();
  while (work.runs.length > 0) {
    work.runs.pop()!.resolve();
    await turn();
  }
  await Promise.all(asked);
  expect([asked.length, work.most()]).toEqual([12, 1]);
});

it('waits for the run that is under way and the next, and never rejects', async () => {
  const work = createWork();
  await work.settled();
  follow({ first: work.run(), second: work.run() });
  const settled = follow({ all: work.settled() });
  work.runs[0]!.reject(new Error('lost'));
  await turn();
  expect(settled).toEqual([]);
  work.runs[1]!.reject(new Error('lost'));
  await turn();
  expect(settled).toEqual(['all']);
});
