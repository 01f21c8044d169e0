import { z } from 'zod';
import type { Clock } from '../../../platform/clock.ts';
import type { Database } from '../../../platform/database.ts';
import { plainWords } from '../../../platform/plain-words.ts';
import { Problem } from '../../../platform/problem.ts';
import { Stripe } from '../../../platform/stripe.ts';
import { storeStripeEvent } from './store-stripe-event.ts';

export interface AcceptStripeEventDeps {
  db: Database;
  clock: Clock;
  config: { STRIPE_SECRET_KEY?: string | undefined; STRIPE_WEBHOOK_SECRETS: readonly string[] };
}

/** Stripe's tolerance for old timestamps. We apply it to future ones too. Stripe's library accepts those. */
const TOLERANCE_SECONDS = 300;

const refuse = (cause: unknown): Problem =>
  new Problem(
    'invalid_signature',
    'The signature does not match, its timestamp is more than 5 minutes off, or the event is of another mode (test or live). Check STRIPE_WEBHOOK_SECRETS and the server clock.',
    { cause },
  );

/** Postgres rejects NUL and lone surrogates in a text. Stripe's ids and types have neither. */
const word = z.string().regex(/^[\x21-\x7e]{1,255}$/, { error: 'must be 1 to 255 visible ASCII characters' });

/** The fields of every event. */
const shape = z.object({
  id: word,
  type: word,
  created: z.int().min(0).max(99_999_999_999),
  livemode: z.boolean(),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
});

type SignedEvent = z.output<typeof shape>;

/** The event is signed. If we cannot parse it, it is rejected, and Stripe shows that to the account's owner. */
const parse = (text: string): SignedEvent => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Problem('malformed_json', 'The signature is valid, but the event is not valid JSON.', {
      cause,
    });
  }
  const { data, error } = shape.safeParse(value, { error: plainWords });
  if (data) return data;
  const [{ path, message }] = error.issues as [z.core.$ZodIssue];
  throw new Problem(
    'validation_failed',
    `The signature is valid, but ${path.join('.') || 'the event'} ${message}.`,
  );
};

const isTimely = (signature: string, now: number): boolean => {
  const times = [...signature.matchAll(/(?:^|,)\s*t=(\d{1,12})(?=,|$)/g)].map(([, time]) => Number(time));
  return times.length === 1 && Math.abs(now - times[0]!) <= TOLERANCE_SECONDS;
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decode strictly. Stripe's library would replace invalid UTF-8, so the text would differ from what was signed. */
const decode = (payload: Buffer): string => {
  try {
    return utf8.decode(payload);
  } catch (error) {
    throw refuse(error);
  }
};

/** Checks the raw bytes, because they were signed. Two secrets are valid while one replaces the other. */
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
 * Stores a signed event once. Returns whether it was new. Problems: `invalid_signature` (altered, too old, from the
 * future, another secret, the other mode), `malformed_json` and `validation_failed` (signed, but it cannot be stored).
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
