import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';

/** `active_agents`: every agent of the tenant that is not decommissioned, suspended ones too. */
export const countActiveAgents = (trx: Transaction): Promise<number> =>
  Agent.query(trx).whereNot('status', 'decommissioned').resultSize();
