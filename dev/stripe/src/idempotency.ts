import { createHash } from 'node:crypto';
import { StripeError } from './errors.ts';
import type { Collection, StoredAnswer } from './state.ts';

const DAY_SECONDS = 86_400;

export interface Idempotency {
  /**
   * Returns the stored response of this key. Otherwise marks the key as in use until `end`. Throws if Stripe would
   * reject the key.
   */
  begin(key: string, fingerprint: string): StoredAnswer | undefined;
  /** Stores the response, if any, and releases the key. */
  end(key: string, fingerprint: string, answer?: { status: number; body: object }): void;
}

const refused = (status: number, message: string, code?: string): StripeError =>
  new StripeError(status, { type: 'idempotency_error', message, ...(code && { code }) });

export const fingerprintOf = (method: string, path: string, form: object): string =>
  createHash('sha256')
    .update(`${method} ${path} ${JSON.stringify(form)}`)
    .digest('base64url');

/** Stripe's rules for a key, for 24 hours: the same request gets the same response, and another request is rejected. */
export const createIdempotency = (answers: Collection<StoredAnswer>, now: () => number): Idempotency => {
  const inUse = new Set<string>();
  const forgetOld = (): void => {
    for (const [key, { created }] of Object.entries(answers)) {
      if (created < now() - DAY_SECONDS) delete answers[key];
    }
  };
  return {
    begin: (key, fingerprint) => {
      forgetOld();
      const stored = Object.hasOwn(answers, key) ? answers[key] : undefined;
      if (stored && stored.fingerprint !== fingerprint) {
        const advice = 'Try using a key other than it if you meant to execute a different request.';
        throw refused(
          400,
          `Keys for idempotent requests can only be used with the same parameters they were first used with. ${advice}`,
        );
      }
      if (stored) return stored;
      if (inUse.has(key)) {
        const message = 'There is currently another in-progress request using this Idempotent Key.';
        throw refused(409, message, 'idempotency_key_in_use');
      }
      inUse.add(key);
      return undefined;
    },
    end: (key, fingerprint, answer) => {
      inUse.delete(key);
      if (answer)
        answers[key] = {
          fingerprint,
          created: now(),
          status: answer.status,
          body: structuredClone(answer.body),
        };
    },
  };
};
