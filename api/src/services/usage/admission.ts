/** A request to be checked against the limits. */
export interface Call {
  /** The key of the rate limit: an agent, a member or an address. */
  limitKey: string;
  /** Calls per window. */
  rateMax: number;
  /** Set if the call counts as usage: the tenant, and the daily limit (`null`: never rejected). */
  metered?: { tenantId: string; quota: number | null } | undefined;
}

export interface Admission {
  outcome: 'allowed' | 'rate_limited' | 'quota_exceeded';
  rate: {
    remaining: number;
    /** Until the window ends or, if rejected, until the next call is allowed. */
    resetMs: number;
  };
  /** Calls of the UTC day, including this one if it was allowed. 0 if the call does not count as usage. */
  used: number;
  /** The time by the clock that decided the day. */
  now: Date;
}
