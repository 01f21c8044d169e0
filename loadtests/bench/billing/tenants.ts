import { setTimeout as wait } from 'node:timers/promises';
import { ApiError, type StartedCheckout } from '@sentryagent/sdk';
import { signUp, type SignedUp } from '../sign-up.ts';

/** Hashing more passwords at once is no faster. */
const SIGN_UPS = 2;

/** Signs up tenants, numbered from the first one. */
export const signUpTenants = async (baseUrl: string, from: number, count: number): Promise<SignedUp[]> => {
  const tenants: SignedUp[] = [];
  let next = from;
  const keepSigningUp = async (): Promise<void> => {
    while (next < from + count) tenants.push(await signUp(baseUrl, next++));
  };
  await Promise.all(Array.from({ length: SIGN_UPS }, keepSigningUp));
  return tenants;
};

/** Clicks again for as long as it is 503, as a user does. */
export const startCheckout = async ({ api }: SignedUp): Promise<StartedCheckout> => {
  for (;;) {
    try {
      return await api.billing.startCheckout();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 503) throw error;
      await wait(100);
    }
  }
};

const CARD = {
  ...{ email: 'ada@example.com', cardNumber: '4242 4242 4242 4242', expiry: '12 / 34', cvc: '123' },
  ...{ name: 'Ada', line1: '1 Main Street', city: 'Springfield', postalCode: '12345', country: 'US' },
};

/** Fills the page of the Stripe stand-in in, and sends it. */
export const pay = async (url: string): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(CARD),
    redirect: 'manual',
  });
  await response.body?.cancel();
  if (response.status !== 303) throw new Error(`the payment page answered ${response.status}`);
};
