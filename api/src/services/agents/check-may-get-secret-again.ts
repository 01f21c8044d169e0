import type { Transaction } from '../../platform/database.ts';
import type { Principal } from '../../platform/principal.ts';
import { checkMayIssueCredential } from '../authority/authority.ts';
import { lockAgent } from './lock-agent.ts';

/** A caller that gets a stored secret again must be able to create one now. Problems: `not_found`, `forbidden`. */
export const checkMayGetSecretAgain = async (
  trx: Transaction,
  principal: Principal,
  { agentId, now }: { agentId: string; now: Date },
): Promise<void> => {
  const agent = await lockAgent(trx, principal, agentId);
  await checkMayIssueCredential(trx, principal, { agent, now });
};
