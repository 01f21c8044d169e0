/**
 * The last known state of a service that this process depends on:
 *
 *   connected     it responds in time
 *   degraded      it responds too late, or rejects commands (read-only, starting, out of memory)
 *   disconnected  it cannot be reached or does not respond
 *   disabled      it is not configured
 */
export const serviceStates = ['connected', 'degraded', 'disconnected', 'disabled'] as const;

export type ServiceState = (typeof serviceStates)[number];

export const isWell = (state: ServiceState): boolean => state === 'connected' || state === 'disabled';

export interface Seen {
  state: ServiceState;
  /** The reason for `degraded` or `disconnected`. */
  cause?: unknown;
  /** If somebody else has asked the service: the time that it took, or `null` if it is not known. */
  latencyMs?: number | null;
}
