import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../platform/database.ts';
import { Problem } from '../../platform/problem.ts';
import { Stripe } from '../../platform/stripe.ts';
import { storeStripeEvent } from './store-stripe-event.ts';

export interface AcceptStripeEventDeps {
  db: Database;
  clock: Clock;
  config: { STRIPE_SECRET_KEY?: string | undefined; STRIPE_WEBHOOK_SECRETS: readonly string[] };
}

/** Stripe's own tolerance for age; it is ours for the future too, which Stripe's library lets pass. */
const TOLERANCE_SECONDS = 300;

const refuse = (cause: unknown): Problem =>
  new Problem('invalid_signature', 'This is no event that Stripe has just signed for us.', { cause });

const isTimely = (signature: string, now: number): boolean => {
  const times = [...signature.matchAll(/(?:^|,)\s*t=(\d{1,12})(?=,|$)/g)].map(([, time]) => Number(time));
  return times.length === 1 && Math.abs(now - times[0]!) <= TOLERANCE_SECONDS;
};

/** The raw bytes are what was signed. During a roll two secrets are valid. */
const verify = (
  { clock, config }: AcceptStripeEventDeps,
  payload: Buffer,
  signature: string,
): Stripe.Event => {
  const now = Math.floor(clock().getTime() / 1_000);
  if (!isTimely(signature, now)) throw refuse(new Error('the time of the signature is not now'));
  for (const secret of config.STRIPE_WEBHOOK_SECRETS) {
    try {
      return Stripe.webhooks.constructEvent(
        payload,
        signature,
        secret,
        TOLERANCE_SECONDS,
        undefined,
        now * 1_000,
      );
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw refuse(error);
    }
  }
  throw refuse(new Error('no secret of ours made this signature'));
};

/**
 * Stores an event that Stripe has signed, once however often it comes; answers whether it was new. Problem:
 * `invalid_signature`: altered, stale, from the future, of another secret, of the other mode.
 */
export const acceptStripeEvent = async (
  deps: AcceptStripeEventDeps,
  payload: Buffer,
  signature: string,
): Promise<boolean> => {
  const event = verify(deps, payload, signature);
  const isLive = /^(sk|rk)_live_/.test(deps.config.STRIPE_SECRET_KEY ?? '');
  if (event.livemode !== isLive) throw refuse(new Error('the event is of the other mode'));
  return storeStripeEvent(deps.db, event);
};
