/**
 * The time by which this process knows how old is what it keeps. A test moves it on instead of waiting, or holds it, so
 * that on a busy machine nothing gets old between two requests. It never goes back before the file ends; intervals and
 * dates are not touched. Other files run in this process too, so a file that uses it restores it by `afterAll`, which it
 * calls before any other: vitest runs the first one last.
 */
const real = performance.now.bind(performance);
let ahead = 0;
let heldAt: number | undefined;
performance.now = () => heldAt ?? real() + ahead;

export const passTime = (ms: number): void => {
  if (heldAt === undefined) ahead += ms;
  else heldAt += ms;
};

export const holdTime = async (work: () => Promise<void>): Promise<void> => {
  heldAt = performance.now();
  await work().finally(() => {
    ahead = heldAt! - real();
    heldAt = undefined;
  });
};

export const restoreTime = (): void => {
  ahead = 0;
};
