import { Credential } from '../../models/credential.ts';
import type { Transaction } from '../../platform/database.ts';
import type { Principal } from '../../platform/principal.ts';
import { fieldProblem } from '../../platform/field-problem.ts';
import { Problem } from '../../platform/problem.ts';
import { countCreation } from '../limits/count-today.ts';
import { checkMayIssueCredential } from '../authority/authority.ts';
import { readTier } from '../usage/read-tier.ts';
import { lockLivingAgent } from './lock-agent.ts';

const MAX_LIVE = 10;
/** Includes expired and revoked credentials, because they are listed and searched for keys too. */
const MAX_EVER = 1_000;

/**
 * The caller holds the agent's row, so parallel requests are counted one after another. Problem: `credential_limit`.
 */
const checkLimit = async (trx: Transaction, agentId: string, now: Date): Promise<void> => {
  if ((await Credential.query(trx).where('agent_id', agentId).resultSize()) >= MAX_EVER) {
    throw new Problem(
      'credential_limit',
      `An agent has at most ${MAX_EVER} credentials in its lifetime, including revoked and expired ones. Rotate a credential, or register a new agent.`,
    );
  }
  const live = await Credential.query(trx)
    .where('agent_id', agentId)
    .whereNull('revoked_at')
    .where((or) => or.whereNull('expires_at').orWhere('expires_at', '>', now))
    .resultSize();
  if (live < MAX_LIVE) return;
  throw new Problem(
    'credential_limit',
    `An agent has at most ${MAX_LIVE} active credentials. Revoke one first.`,
  );
};

/** Problem: `validation_failed`. */
export const checkExpiry = (expiresAt: Date | undefined, now: Date): void => {
  if (!expiresAt || expiresAt > now) return;
  throw fieldProblem([{ path: ['body', 'expiresAt'], words: 'must be in the future' }]);
};

/**
 * Checks that the caller can add a credential to the agent. Locks the agent's row until the transaction ends. Problems:
 * `not_found`, `agent_decommissioned`, `credential_limit`, `daily_limit`, `forbidden`.
 */
export const admitCredential = async (
  trx: Transaction,
  deps: { config: { BILLING_ENABLED: boolean } },
  principal: Principal,
  { agentId, now }: { agentId: string; now: Date },
): Promise<void> => {
  const agent = await lockLivingAgent(trx, principal, agentId);
  await checkMayIssueCredential(trx, principal, { agent, now });
  await checkLimit(trx, agentId, now);
  await countCreation(trx, deps, principal, await readTier(trx, principal.tenantId));
};
