/** What the previous runs of the chain have settled. */
export interface DailyQuotaResetInput {
  days?: number;
  /** The last one, as `YYYY-MM-DD`. */
  last?: string | null;
  /** Of the day after it. */
  tenants?: number;
}

export interface SettledPart {
  /** `YYYY-MM-DD`. `null`: every day that has ended is settled. */
  day: string | null;
  tenants: number;
  /** Whether the day is settled for all tenants. */
  isSettled: boolean;
}

export interface DailyQuotaResetActivities {
  /** Settles the oldest unsettled day that has ended, for the next tenants. */
  settleUsage(): Promise<SettledPart>;
}
