import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_TIMES, dueSteps, mayTakeOver } from '../../src/services/signing-keys/key-stages.ts';
import type { StagedKey } from '../../src/services/signing-keys/key-stages.ts';

const DAY = 86_400_000;

describe('the stages of a signing key', () => {
  const key = (kid: string, status: StagedKey['status'], age: number): StagedKey => ({
    kid,
    status,
    since: new Date(1e12 - age),
  });
  const { publishMs, signMs, keepMs } = KEY_TIMES;
  const due = (staged: StagedKey[], early = false) =>
    dueSteps(staged, new Date(1e12), { early, times: KEY_TIMES });
  const rotation = [{ kid: 'c', to: 'previous' }, { kid: 'n', to: 'current' }, { make: 'next' }];

  it('are published for twice the key set’s age, and kept for a token’s longest life and a minute', () => {
    expect(KEY_TIMES).toEqual({ publishMs: 600_000, signMs: 30 * DAY, keepMs: 3_660_000 });
  });

  it('let the next key sign once it has been published long enough', () => {
    expect(mayTakeOver(key('n', 'next', 1_000), KEY_TIMES)).toEqual(new Date(1e12 - 1_000 + publishMs));
  });

  it.each([
    ['nothing there', [], false, [{ make: 'current' }, { make: 'next' }]],
    ['no next', [key('c', 'current', 0)], false, [{ make: 'next' }]],
    ['a young key', [key('c', 'current', signMs - 1), key('n', 'next', signMs)], false, []],
    ['a key whose time is over', [key('c', 'current', signMs), key('n', 'next', publishMs)], false, rotation],
    ['one that is replaced early', [key('c', 'current', 0), key('n', 'next', publishMs)], true, rotation],
    ['a next too young', [key('c', 'current', signMs), key('n', 'next', publishMs - 1)], true, []],
    ['a next alone', [key('n', 'next', 0)], false, [{ kid: 'n', to: 'current' }, { make: 'next' }]],
    [
      'a previous one',
      [key('c', 'current', 0), key('n', 'next', 0), key('p', 'previous', keepMs - 1)],
      true,
      [],
    ],
    [
      'one whose last token has expired',
      [key('c', 'current', 0), key('n', 'next', 0), key('p', 'previous', keepMs)],
      false,
      [{ kid: 'p', to: 'gone' }],
    ],
  ] as const)('where there is %s', (_what, staged, early, steps) => {
    expect(due([...staged], early)).toEqual(steps);
  });

  it('never end before their time, have one current key, and are stable once taken', () => {
    const ages = fc.array(fc.nat(2 * keepMs), { maxLength: 40 });
    fc.assert(
      fc.property(ages, fc.boolean(), (pauses, early) => {
        let staged: StagedKey[] = [];
        let now = 1e12;
        let made = 0;
        const published = new Map<string, number>();
        for (const pause of pauses) {
          now += pause;
          for (let again = 0; again < 2; again++) {
            const steps = dueSteps(staged, new Date(now), { early, times: KEY_TIMES });
            if (again) expect(steps).toEqual([]);
            for (const step of steps) {
              if ('make' in step) {
                const kid = `k${++made}`;
                published.set(kid, made === 1 ? -Infinity : now);
                staged.push({ kid, status: step.make, since: new Date(now) });
                continue;
              }
              const moved = staged.find(({ kid }) => kid === step.kid)!;
              staged = staged.filter((other) => other !== moved);
              if (step.to === 'gone') expect(now - moved.since.getTime()).toBeGreaterThanOrEqual(keepMs);
              else staged.push({ kid: step.kid, status: step.to, since: new Date(now) });
              if (step.to === 'current') {
                expect(now - published.get(step.kid)!).toBeGreaterThanOrEqual(publishMs);
              }
            }
            const count = (status: string) => staged.filter((each) => each.status === status).length;
            expect([count('current'), count('next')]).toEqual([1, 1]);
          }
        }
      }),
    );
  });
});
