import { expect } from 'vitest';
import { atStripe } from './charges.ts';
import type { SignedUp } from './people.ts';
import type { SellingStack } from './stack.ts';

const instant = (seconds: number): string => new Date(seconds * 1_000).toISOString();

/** What the tenant is shown is what Stripe has, of an active, past due or ended subscription. */
export const expectAsAtStripe = async (stack: SellingStack, person: SignedUp): Promise<void> => {
  const { subscriptions } = await atStripe(stack, person);
  const shown = await person.api.billing.subscription();
  const live = subscriptions.find(({ status }) => status === 'active' || status === 'past_due');
  if (!live) {
    expect(shown).toMatchObject({ tier: 'free', renewsAt: null, isCancelling: false });
    return;
  }
  const { status, cancel_at_period_end: isCancelling, items } = live;
  const end = instant(items.data[0]!.current_period_end);
  const isCharged = status === 'active' && !isCancelling;
  expect(shown).toMatchObject({
    tier: 'paid',
    status,
    isCancelling,
    renewsAt: isCharged ? end : null,
    endsAt: isCancelling ? end : null,
  });
};
