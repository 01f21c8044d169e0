/** A call that asks to be let through. */
export interface Call {
  /** What the rate limit counts by: an agent, a member or an address. */
  limitKey: string;
  /** Calls per window. */
  rateMax: number;
  /** Present when the call is usage: whose, and the day's limit (`null` = not refused). */
  metered?: { tenantId: string; quota: number | null } | undefined;
}

export interface Admission {
  outcome: 'allowed' | 'rate_limited' | 'quota_exceeded';
  rate: {
    remaining: number;
    /** Until the window ends or, refused, until the next call fits. */
    resetMs: number;
  };
  /** Calls of the UTC day, this one among them when it was let through; 0 when it is not usage. */
  used: number;
}
