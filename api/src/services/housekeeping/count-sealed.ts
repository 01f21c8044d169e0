import type { Transaction } from '../../platform/database.ts';

/** Values of one kind that one key of `KEY_ENCRYPTION_KEYS` encrypts and that may still have to be decrypted. */
export interface Sealed {
  keyId: string;
  /** In words: `signing keys`. */
  what: string;
  count: number;
}

/** Counts for all tenants. If you use `seal` for new values, add them to the SQL of `count_sealed`. */
export const countSealed = async (trx: Transaction): Promise<Sealed[]> =>
  (await trx.raw<{ rows: Sealed[] }>('select key_id as "keyId", what, count from count_sealed()')).rows;
