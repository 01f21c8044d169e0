import { invalid } from '../errors.ts';
import { fields, integer, text } from '../parameters.ts';
import type { Kind } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import type { Collection } from '../state.ts';
import { listOf } from '../wire.ts';
import type { List } from '../wire.ts';

const LONGEST = 100;
const USUAL = 10;

const limit: Kind<number> = (value, path) => {
  const count = integer(value, path);
  if (count < 1 || count > LONGEST) {
    throw invalid(`This value must be between 1 and ${LONGEST}.`, { param: path });
  }
  return count;
};

/** The parameters of every list. */
export const paging = { limit, starting_after: text, ending_before: text };

interface Paging {
  limit?: number;
  starting_after?: string;
  ending_before?: string;
}

/** A page of matching objects, newest first. */
export const page = <T extends { id: string }>(
  url: string,
  collection: Collection<T>,
  params: Paging,
  matches: (item: T) => boolean,
): List<T> => {
  const { limit: count = USUAL, starting_after: after, ending_before: before } = params;
  const items = Object.values(collection).toReversed();
  const place = (id: string, param: string) => items.indexOf(find(collection, id, 'object', param));
  if (before !== undefined) {
    const earlier = items.slice(0, place(before, 'ending_before')).filter(matches);
    return listOf(url, earlier.slice(-count), earlier.length > count);
  }
  const rest = after === undefined ? items : items.slice(place(after, 'starting_after') + 1);
  const found = rest.filter(matches);
  return listOf(url, found.slice(0, count), found.length > count);
};

/** Stripe lists objects of a test clock only by the clock or the customer. The shared clock of ours hides nothing. */
export const isListed = (
  { state }: Stand,
  { test_clock: clock }: { test_clock?: string | null },
  params: { customer?: string; test_clock?: string },
): boolean => {
  if (params.test_clock !== undefined) return clock === params.test_clock;
  return params.customer !== undefined || !clock || clock === state.shared.clock;
};

/** A time, or bounds of one. */
export const times: Kind<(seconds: number) => boolean> = (value, path) => {
  if (typeof value === 'string') {
    const wanted = integer(value, path);
    return (seconds) => seconds === wanted;
  }
  const {
    gt = -Infinity,
    gte = -Infinity,
    lt = Infinity,
    lte = Infinity,
  } = fields({
    gt: integer,
    gte: integer,
    lt: integer,
    lte: integer,
  })(value, path);
  return (seconds) => seconds > gt && seconds >= gte && seconds < lt && seconds <= lte;
};
