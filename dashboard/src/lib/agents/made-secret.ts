import type { NewCredential } from '@sentryagent/sdk';

/** A new secret and how it came about. It exists only in the response that shows it. */
export interface MadeSecret extends Pick<NewCredential, 'clientId' | 'clientSecret'> {
  why: 'registered' | 'created' | 'rotated' | 'replaced';
  /** Until when the old secret works too. */
  overlapUntil?: string | null;
  /** The form was sent before, and this is the secret that it created then. */
  isRepeated?: boolean;
}
