import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/**
 * What a password's hash costs in this process while an API of `startApi` is open: a sixteenth of production's, since
 * most tests only need somebody who is signed in. The journeys' API is a process of its own and pays in full.
 */
const N = 1_024;
const real = crypto.scrypt.bind(crypto);
let isFull = false;
let openApis = 0;

crypto.scrypt = ((password, salt, length, options, done) =>
  real(password, salt, length, isFull || openApis === 0 ? options : { ...options, N }, done)) as typeof real;
syncBuiltinESMExports();

/** Lowers the cost until the function that it returns is called: other files run in this process too. */
export const lowerPasswordCost = (): (() => void) => {
  let isOpen = true;
  openApis += 1;
  return () => {
    if (isOpen) openApis -= 1;
    isOpen = false;
  };
};

/** For what depends on it that a hash takes long. Passwords that were set outside of it are wrong meanwhile. */
export const atFullCost = async <T>(work: () => Promise<T>): Promise<T> => {
  isFull = true;
  return work().finally(() => {
    isFull = false;
  });
};
