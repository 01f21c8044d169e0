import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../src/rules/subscription.ts';
import type { StripeSubscription, SubscriptionView } from '../src/rules/subscription.ts';

const START = '2026-11-24T10:00:00.000Z';
const END = '2026-12-24T10:00:00.000Z';
const NEXT = '2027-01-24T10:00:00.000Z';

/** One subscription's life at Stripe. Each change sends one event. */
const CHANGES: Partial<StripeSubscription>[] = [
  { status: 'trialing', trialEnd: END },
  { status: 'active' },
  { cancelAt: END },
  { cancelAt: null },
  { status: 'past_due', periodStart: END, periodEnd: NEXT, failedAt: END },
  { status: 'active', failedAt: null },
  { status: 'canceled' },
];

/** What Stripe has after so many changes. */
const truths = CHANGES.reduce<(StripeSubscription | null)[]>(
  (all, change) => [
    ...all,
    {
      id: 'sub_1',
      createdAt: START,
      periodStart: START,
      periodEnd: END,
      trialEnd: null,
      cancelAt: null,
      failedAt: null,
      graceUntil: null,
      lookupKey: null,
      ...(all.at(-1) ?? { status: 'incomplete' }),
      ...change,
    },
  ],
  [null],
);

/**
 * Our side: each nudge begins a read of Stripe, and reads end in any order. As in `applySubscription`, a read takes its
 * number before it asks Stripe, and a lower number never overwrites a higher one.
 */
const createSide = (numbersCount = true) => {
  let changes = 0;
  let numbers = 0;
  let row: { number: number; view: SubscriptionView } = {
    number: 0,
    view: viewOf({ subscription: null, stripeNow: END }),
  };
  const view = () => viewOf({ subscription: truths[changes]!, stripeNow: END });
  const open: (() => void)[] = [];
  return {
    live: () => void (changes = Math.min(changes + 1, CHANGES.length)),
    nudge: () => {
      const read = { number: ++numbers, view: view() };
      open.push(() => {
        if (!numbersCount || read.number > row.number) row = read;
      });
    },
    /** Ends one of the open reads. */
    end: (which: number) => open.splice(which % Math.max(open.length, 1), 1)[0]?.(),
    endNewest: () => open.pop()?.(),
    isReading: () => open.length > 0,
    expectTruth: () => expect(row.view).toEqual(view()),
    row: () => row,
    truth: view,
  };
};

const permutations = (items: number[]): number[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((item) =>
        permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
      );

/** An event is delivered as soon as it was sent and those before it in the order were. Reads end newest first. */
const deliver = (order: number[], side: ReturnType<typeof createSide>): void => {
  const waiting = [...order];
  for (let sent = 1; sent <= CHANGES.length; sent++) {
    side.live();
    while (waiting.length > 0 && waiting[0]! < sent) {
      waiting.shift();
      side.nudge();
    }
  }
  while (side.isReading()) side.endNewest();
};

describe('Any order of events ends in the Stripe state', () => {
  const orders = permutations([0, 1, 2, 3, 4, 5, 6]);

  it('all 5,040', () => {
    expect(orders).toHaveLength(5_040);
    for (const order of orders) {
      const side = createSide();
      deliver(order, side);
      side.expectTruth();
    }
  });

  it('and would not, if reads that were overtaken were written', () => {
    const wrong = orders.filter((order) => {
      const side = createSide(false);
      deliver(order, side);
      return JSON.stringify(side.row().view) !== JSON.stringify(side.truth());
    });
    expect(wrong.length).toBeGreaterThan(0);
  });
});

type Step = { kind: 'live' } | { kind: 'nudge'; copies: number } | { kind: 'end'; which: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('live' as const) }),
  // Dropped, delivered, or delivered several times; late, because its change was some steps ago.
  fc.record({ kind: fc.constant('nudge' as const), copies: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('end' as const), which: fc.nat(9) }),
);

it('Duplicated and dropped events still converge', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const side = createSide();
      for (const one of steps) {
        if (one.kind === 'live') side.live();
        else if (one.kind === 'end') side.end(one.which);
        else for (let copy = 0; copy < one.copies; copy++) side.nudge();
      }
      // The reconciliation nudges what differs, once, whatever is still under way.
      side.nudge();
      while (side.isReading()) side.end(0);
      side.expectTruth();
    }),
    { numRuns: 2_000 },
  );
});
