import { usageThresholds } from '@sentryagent/workflows/rules/quota';
import { tiers, type TierId } from '@sentryagent/workflows/rules/tiers';
import { dayOfEpoch, nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import type { Database, Transaction } from '../../platform/database.ts';
import { mailOwners } from '../mail/queue-mail.ts';

interface Due {
  tenant_id: string;
  day: string;
  tier: TierId;
  percent: number;
}

const PAGE = 1_000;
const THRESHOLDS = JSON.stringify(usageThresholds());

/** The notice and the mails are committed together, so neither a restart nor another process sends them again. */
const warn = async (trx: Transaction, { tenant_id, day, tier, percent }: Due): Promise<void> => {
  const noted = await trx.raw<{ rows: unknown[] }>(
    `insert into notices as n (tenant_id, percent, day) values (?, ?, ?)
     on conflict (tenant_id, percent) do update set day = excluded.day where n.day < excluded.day
     returning percent`,
    [tenant_id, percent, day],
  );
  if (noted.rows.length === 0) return;
  const { max, enforcement } = tiers[tier].limits.apiCallsPerDay;
  await mailOwners(trx, tenant_id, {
    kind: 'usage_warning',
    key: `${day}/${percent}`,
    data: {
      percent,
      max: max!,
      isHard: enforcement === 'hard',
      resetsAt: nextUtcMidnight(new Date(day)).toISOString(),
    },
  });
};

/**
 * Warns the owners of these tenants whose API calls of today, as stored, have reached a threshold. Other days are
 * ignored.
 */
export const warnOwners = async (
  db: Database,
  days: readonly { tenantId: string; day: number }[],
): Promise<void> => {
  const asked = days.map(({ tenantId, day }) => ({ tenant_id: tenantId, day: dayOfEpoch(day) }));
  for (let from = 0; from < asked.length; from += PAGE) {
    const page = JSON.stringify(asked.slice(from, from + PAGE));
    const { rows } = await db.acrossTenants((trx) =>
      trx.raw<{ rows: Due[] }>('select * from find_usage_warnings(?, ?)', [page, THRESHOLDS]),
    );
    for (const due of rows) await db.withTenant(due.tenant_id, (trx) => warn(trx, due));
  }
};
