import { newId } from './ids.ts';
import type { Stand } from './stand.ts';
import type { Customer, TestClock } from './wire.ts';

const KEPT_SECONDS = 30 * 86_400;

export const sharedNow = ({ state, now }: Stand): number => now() + state.shared.ahead;

/** The time of this customer, in seconds: that of its own test clock, or the shared one. */
export const timeOf = (stand: Stand, { test_clock: clock }: Pick<Customer, 'test_clock'>): number => {
  const { clocks, shared } = stand.state;
  return clock && clock !== shared.clock ? clocks[clock]!.frozen_time : sharedNow(stand);
};

export const createClock = ({ state, now }: Stand, frozenTime: number, name: string | null): TestClock => {
  const clock: TestClock = {
    id: newId('clock_1'),
    object: 'test_helpers.test_clock',
    created: now(),
    deletes_after: now() + KEPT_SECONDS,
    frozen_time: frozenTime,
    livemode: false,
    name,
    status: 'ready',
    status_details: {},
  };
  state.clocks[clock.id] = clock;
  return clock;
};

/** The clock as of now: the shared one runs. */
export const shown = (stand: Stand, clock: TestClock): TestClock =>
  clock.id === stand.state.shared.clock ? { ...clock, frozen_time: sharedNow(stand) } : clock;

/**
 * Gives a test clock to every customer without one, so that who reads Stripe sees the time. At Stripe, a customer gets
 * its clock only when it is created.
 */
export const attachShared = (stand: Stand): TestClock => {
  const { state } = stand;
  const clock = createClock(stand, sharedNow(stand), 'all customers without a clock of their own');
  state.shared.clock = clock.id;
  for (const collection of [state.customers, state.subscriptions, state.invoices]) {
    for (const object of Object.values(collection)) object.test_clock ??= clock.id;
  }
  return clock;
};
