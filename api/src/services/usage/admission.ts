/** A request to be checked against the limits. */
export interface Call {
  /** The key of the rate limit: an agent, a member or an address. */
  limitKey: string;
  /** Calls per window. */
  rateMax: number;
  /** Set if the call counts as usage. */
  metered?: Metered | undefined;
}

export interface Metered {
  tenantId: string;
  /** The daily limit of the tenant. `null`: never rejected. */
  quota: number | null;
  /** The agent that calls. */
  agentId?: string | undefined;
  /** The agent's own daily limit, if it has one. */
  cap?: number | undefined;
}

export interface Admission {
  outcome: 'allowed' | 'rate_limited' | 'agent_capped' | 'quota_exceeded';
  rate: {
    remaining: number;
    /** Until the window ends or, if rejected, until the next call is allowed. */
    resetMs: number;
  };
  /** Calls of the UTC day, including this one if it was allowed. 0 if the call does not count as usage. */
  used: number;
  /** The same of the agent, if it has a cap. */
  usedByAgent: number;
  /** The time by the clock that decided the day. */
  now: Date;
}
