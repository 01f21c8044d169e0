import type { Pool } from 'pg';
import type { Clock } from '../../platform/clock.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { Problem } from '../../platform/problem.ts';

export interface TwoFactorDeps {
  peoplePool: Pool;
  clock: Clock;
  config: { KEY_ENCRYPTION_KEYS: Keyring };
}

/** The same for each code that does not count, so that nobody learns whether it was ever right. */
export const invalidCode = (): Problem =>
  new Problem(
    'invalid_code',
    'This code is not valid. Each code works once, so enter the one that your app shows now, or an unused recovery code.',
  );

export const twoFactorOff = (): Problem =>
  new Problem('two_factor_off', 'Two-factor sign-in is off. Turn it on first.');
