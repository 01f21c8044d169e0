import { z } from 'zod';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../platform/database.ts';
import { Problem } from '../../../platform/problem.ts';
import { Stripe } from '../../../platform/stripe.ts';
import { storeStripeEvent } from './store-stripe-event.ts';

export interface AcceptStripeEventDeps {
  db: Database;
  clock: Clock;
  config: { STRIPE_SECRET_KEY?: string | undefined; STRIPE_WEBHOOK_SECRETS: readonly string[] };
}

/** Stripe's own tolerance for age; it is ours for the future too, which Stripe's library lets pass. */
const TOLERANCE_SECONDS = 300;

const refuse = (cause: unknown): Problem =>
  new Problem(
    'invalid_signature',
    'The signature does not match, its timestamp is more than 5 minutes off, or the event is of another mode (test or live). Check STRIPE_WEBHOOK_SECRETS and the server clock.',
    { cause },
  );

/** Postgres takes no NUL in a text, UTF-8 no half of a character; ids and types of Stripe have neither. */
const word = z.string().regex(/^[\x21-\x7e]{1,255}$/, { error: 'must be 1 to 255 visible ASCII characters' });

/** What every event has. */
const shape = z.object({
  id: word,
  type: word,
  created: z.int().min(0).max(99_999_999_999),
  livemode: z.boolean(),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
});

type SignedEvent = z.output<typeof shape>;

/** Signed, so it is no stranger's; what we cannot read is refused, and Stripe shows that to its account's owner. */
const parse = (text: string): SignedEvent => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem('malformed_json', 'The signature is valid, but the event is not valid JSON.', {
      cause,
    });
  }
  const { data, error } = shape.safeParse(value);
  if (data) return data;
  const [{ path, message }] = error.issues as [z.core.$ZodIssue];
  throw new Problem(
    'validation_failed',
    `The signature is valid, but the event has an invalid field: ${path.join('.')}: ${message}`,
  );
};

const isTimely = (signature: string, now: number): boolean => {
  const times = [...signature.matchAll(/(?:^|,)\s*t=(\d{1,12})(?=,|$)/g)].map(([, time]) => Number(time));
  return times.length === 1 && Math.abs(now - times[0]!) <= TOLERANCE_SECONDS;
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Stripe's library would decode what is no UTF-8 to other bytes than were signed. */
const decode = (payload: Buffer): string => {
  try {
    return utf8.decode(payload);
  } catch (error) {
    throw refuse(error);
  }
};

/** The bytes are what was signed. During a roll two secrets are valid. */
const checkSignature = (
  { clock, config }: AcceptStripeEventDeps,
  payload: string,
  signature: string,
): void => {
  const now = Math.floor(clock().getTime() / 1_000);
  if (!isTimely(signature, now))
    throw refuse(new Error('the timestamp of the signature is outside the tolerance'));
  for (const secret of config.STRIPE_WEBHOOK_SECRETS) {
    try {
      const { signature: verifier } = Stripe.webhooks;
      verifier!.verifyHeader(payload, signature, secret, TOLERANCE_SECONDS, undefined, now * 1_000);
      return;
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw refuse(error);
    }
  }
  throw refuse(new Error('no secret in STRIPE_WEBHOOK_SECRETS matches the signature'));
};

/**
 * Stores an event that Stripe has signed, once however often it comes; answers whether it was new. Problems:
 * `invalid_signature`: altered, stale, from the future, of another secret, of the other mode; `malformed_json` and
 * `validation_failed`: signed, but nothing that can be stored.
 */
export const acceptStripeEvent = async (
  deps: AcceptStripeEventDeps,
  payload: Buffer,
  signature: string,
): Promise<boolean> => {
  const text = decode(payload);
  checkSignature(deps, text, signature);
  const event = parse(text);
  const isLive = /^(sk|rk)_live_/.test(deps.config.STRIPE_SECRET_KEY ?? '');
  if (event.livemode !== isLive) throw refuse(new Error('the event is of the other mode (test or live)'));
  return storeStripeEvent(deps.db, event);
};
