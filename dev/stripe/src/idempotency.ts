import { createHash } from 'node:crypto';
import { StripeError } from './errors.ts';
import type { Collection, StoredAnswer } from './state.ts';

const DAY_SECONDS = 86_400;

export interface Idempotency {
  /** The stored answer of this key; else it is in use until `end`. Throws where Stripe refuses the key. */
  begin(key: string, fingerprint: string): StoredAnswer | undefined;
  /** Keeps the answer, if there is one to keep, and frees the key. */
  end(key: string, fingerprint: string, answer?: { status: number; body: object }): void;
}

const refused = (status: number, message: string, code?: string): StripeError =>
  new StripeError(status, { type: 'idempotency_error', message, ...(code && { code }) });

export const fingerprintOf = (method: string, path: string, form: object): string =>
  createHash('sha256')
    .update(`${method} ${path} ${JSON.stringify(form)}`)
    .digest('base64url');

/** Stripe's rules for one key: the same request gets the same answer, another one is refused, for 24 hours. */
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
