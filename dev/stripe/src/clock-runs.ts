import { expireDue } from './checkout.ts';
import { attachShared, sharedNow, shown } from './clocks.ts';
import { invalid } from './errors.ts';
import { runUntil } from './renewals.ts';
import { NO_REQUEST } from './stand.ts';
import type { Stand } from './stand.ts';
import { end, hasEnded } from './subscriptions.ts';
import type { Cause, TestClock } from './wire.ts';

const DAY = 86_400;
/** At Stripe, an advance takes seconds. Long enough that a caller which does not wait for `ready` sees it. */
const ADVANCE_MS = 100;

/** Does what is due by the time of the machine. */
export const doDue = (stand: Stand): void => {
  expireDue(stand);
  runUntil(stand, stand.state.shared.clock, sharedNow(stand));
};

/** Moves the shared clock, and so the time of every customer without a test clock of its own. */
export const advanceShared = (stand: Stand, seconds: number): void => {
  const { shared, clocks } = stand.state;
  const clock = shared.clock ? clocks[shared.clock]! : attachShared(stand);
  shared.ahead += seconds;
  runUntil(stand, clock.id, sharedNow(stand));
  stand.emit(NO_REQUEST, 'test_helpers.test_clock.ready', shown(stand, clock));
};

const LONGEST: Record<string, number> = { day: DAY, week: 7 * DAY, month: 31 * DAY, year: 366 * DAY };

/** Stripe advances at most two intervals of the shortest subscription at once. */
const checkStep = ({ state }: Stand, { id, frozen_time: from }: TestClock, to: number): void => {
  if (to <= from) {
    throw invalid('The `frozen_time` must be after the current frozen time.', { param: 'frozen_time' });
  }
  const spans = Object.values(state.subscriptions)
    .filter((one) => one.test_clock === id && !hasEnded(one))
    .map((one) => one.items.data[0]!.price.recurring!)
    .map(({ interval, interval_count: count }) => LONGEST[interval]! * count);
  if (to - from > 2 * Math.min(...spans)) {
    const limit = 'two intervals from the current frozen time, based on the shortest subscription interval';
    throw invalid(`A test clock cannot be advanced more than ${limit}.`, { param: 'frozen_time' });
  }
};

const finish = (stand: Stand, clock: TestClock, to: number): void => {
  if (!stand.state.clocks[clock.id]) return;
  runUntil(stand, clock.id, to);
  Object.assign(clock, { frozen_time: to, status: 'ready', status_details: {} });
  stand.emit(NO_REQUEST, 'test_helpers.test_clock.ready', clock);
};

/** Starts to advance. The clock is `ready` when everything until then has been done. */
export const advance = (stand: Stand, cause: Cause, clock: TestClock, to: number): TestClock => {
  if (clock.id === stand.state.shared.clock) {
    advanceShared(stand, to - sharedNow(stand));
    return shown(stand, clock);
  }
  if (clock.status !== 'ready') throw invalid('The test clock is already advancing.');
  checkStep(stand, clock, to);
  const details = { advancing: { target_frozen_time: to } };
  Object.assign(clock, { status: 'advancing', status_details: details });
  stand.emit(cause, 'test_helpers.test_clock.advancing', clock);
  setTimeout(() => finish(stand, clock, to), ADVANCE_MS);
  return clock;
};

/** A restart has interrupted these. */
export const resumeAdvances = (stand: Stand): void => {
  for (const clock of Object.values(stand.state.clocks)) {
    const to = clock.status_details.advancing?.target_frozen_time;
    if (to !== undefined) finish(stand, clock, to);
  }
};

/** Deletes the clock with its customers, whose subscriptions end. */
export const deleteClock = (stand: Stand, cause: Cause, clock: TestClock): void => {
  const { clocks, customers, subscriptions } = stand.state;
  const isOnIt = (one: { test_clock?: string | null }): boolean => one.test_clock === clock.id;
  for (const subscription of Object.values(subscriptions).filter(isOnIt)) {
    const how = { at: clock.frozen_time, reason: 'cancellation_requested' as const };
    if (!hasEnded(subscription)) end(stand, cause, subscription, how);
  }
  for (const customer of Object.values(customers).filter(isOnIt)) {
    delete customers[customer.id];
    stand.emit(cause, 'customer.deleted', customer);
  }
  delete clocks[clock.id];
  stand.emit(cause, 'test_helpers.test_clock.deleted', clock);
};
