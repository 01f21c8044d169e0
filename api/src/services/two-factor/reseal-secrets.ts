import { openSecret, sealSecret } from './sealed-secret.ts';
import type { TwoFactorDeps } from './two-factor-deps.ts';

/** Keys per statement. */
const BATCH = 500;

/**
 * Encrypts the stored keys of apps with the current encryption key, so that an older one can be removed. These keys do not
 * expire, so without this the older one would be needed for ever. Parallel calls are safe. Returns how many it changed.
 */
export const resealSecrets = async ({
  peoplePool,
  config: { KEY_ENCRYPTION_KEYS: keys },
}: Pick<TwoFactorDeps, 'peoplePool' | 'config'>): Promise<number> => {
  let [count, after] = [0, ''];
  for (;;) {
    const { rows } = await peoplePool.query<{ userId: string; sealed: string }>(
      `select user_id as "userId", sealed_secret as sealed from two_factors
       where user_id > $1 and split_part(sealed_secret, '.', 1) <> $2 order by user_id limit $3`,
      [after, keys.current.id, BATCH],
    );
    const last = rows.at(-1);
    if (!last) return count;
    after = last.userId;
    const resealed = rows.map(({ userId, sealed }) =>
      sealSecret(keys, userId, openSecret(keys, userId, sealed)),
    );
    const changed = await peoplePool.query(
      `update two_factors set sealed_secret = new.resealed
       from unnest($1::text[], $2::text[], $3::text[]) as new (user_id, sealed, resealed)
       where two_factors.user_id = new.user_id and two_factors.sealed_secret = new.sealed`,
      [rows.map(({ userId }) => userId), rows.map(({ sealed }) => sealed), resealed],
    );
    count += changed.rowCount ?? 0;
  }
};
