import { LRUCache } from 'lru-cache';
import type { Database } from '../../platform/database.ts';
import { every } from '../../platform/every.ts';
import type { Logger } from '../../platform/logger.ts';

/** Stores when each credential last got a token, to the minute. Token requests do not wait for it. */
export interface CredentialUses {
  /** Costs a look into memory. */
  note(credentialId: string, at: Date): void;
  /** Writes what is noted. */
  flush(): Promise<void>;
  /** Writes once more, then no longer. */
  stop(): Promise<void>;
}

const FLUSH_MS = 5_000;
const MINUTE_MS = 60_000;
/** With more credentials in a minute, some are stored more often than needed. This is harmless. */
const MAX_KNOWN = 10_000;

export const createCredentialUses = (db: Database, logger: Logger): CredentialUses => {
  const noted = new LRUCache<string, number>({ max: MAX_KNOWN });
  let pending = new Map<string, Date>();

  const flush = async (): Promise<void> => {
    if (pending.size === 0) return;
    const uses = [...pending].map(([id, at]) => ({ id, used_at: at.toISOString() }));
    pending = new Map();
    // Not retried: a token a minute later stores it again.
    await db.acrossTenants((trx) => trx.raw('select record_credential_uses(?)', [JSON.stringify(uses)]));
  };
  const cancel = every(FLUSH_MS, logger, 'storing the last use of credentials', flush);

  return {
    note: (credentialId, at) => {
      const last = noted.get(credentialId);
      if (last !== undefined && at.getTime() - last < MINUTE_MS) return;
      noted.set(credentialId, at.getTime());
      pending.set(credentialId, at);
    },
    flush,
    stop: async () => {
      cancel();
      await flush();
    },
  };
};
