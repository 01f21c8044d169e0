import { invalid } from '../errors.ts';
import { arrayOf, fields, integer, text } from '../parameters.ts';
import type { Output } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import { withPrice } from '../subscriptions.ts';
import type { Subscription } from '../wire.ts';

const update = { id: text, price: text, quantity: integer };

/** Changes of a subscription's items. Ours have one. */
export const itemUpdates = arrayOf(fields(update));

/** The items after the changes. */
export const withUpdates = (
  { state }: Stand,
  { items }: Subscription,
  updates: Output<typeof update>[],
): Subscription['items'] => {
  const [change] = updates;
  if (updates.length !== 1 || change?.id !== items.data[0]!.id) {
    const advice = 'Name the one item of the subscription by its id.';
    throw invalid(`The local stand-in for Stripe has one item per subscription. ${advice}`, {
      param: 'items',
    });
  }
  const price =
    change.price === undefined ? undefined : find(state.prices, change.price, 'price', 'items[0][price]');
  return withPrice(items, { price, quantity: change.quantity });
};
