import { Agent } from '../../models/agent.ts';
import type { Transaction } from '../../platform/database.ts';

/** `active_agents`: all agents of the tenant that are not decommissioned, including suspended ones. */
export const countActiveAgents = (trx: Transaction): Promise<number> =>
  Agent.query(trx).whereNot('status', 'decommissioned').resultSize();
