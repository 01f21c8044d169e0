/**
 * What a service that this process depends on was when it was last asked:
 *
 *   connected     it answers in time and does its work
 *   degraded      it answers, but refuses its work (read-only, starting, out of memory) or takes too long
 *   disconnected  it cannot be reached or does not answer
 *   disabled      it is not configured
 */
export const serviceStates = ['connected', 'degraded', 'disconnected', 'disabled'] as const;

export type ServiceState = (typeof serviceStates)[number];

export const isWell = (state: ServiceState): boolean => state === 'connected' || state === 'disabled';

export interface Seen {
  state: ServiceState;
  /** Why it is degraded or disconnected. */
  cause?: unknown;
}
