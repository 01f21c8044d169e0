/** `max` is `null` if the cap was removed or only reports. */
export interface CapRow {
  agent_id: string;
  max: number | null;
}

/** The caps that are enforced, in memory: an agent's API calls a UTC day. The token feed keeps them up to date. */
export interface CallCaps {
  get(agentId: string): number | undefined;
  /** `isWhole`: these are all caps. */
  follow(rows: readonly CapRow[], isWhole: boolean): void;
}

export const createCallCaps = (): CallCaps => {
  let caps = new Map<string, number>();
  return {
    get: (agentId) => caps.get(agentId),
    follow: (rows, isWhole) => {
      if (isWhole) caps = new Map();
      for (const { agent_id: agentId, max } of rows) {
        if (max === null) caps.delete(agentId);
        else caps.set(agentId, max);
      }
    },
  };
};
