import type { Knex } from 'knex';
import { asOwner } from '../sql.ts';

/**
 * Names in Unicode's form NFC. Where an agent has the name already, the other one's tells them apart by its id: 30
 * characters, of the 128 that a name may have.
 */
const normalizeNames = `
  ${asOwner(
    'agents',
    `update agents a set name = case
      when a.status <> 'decommissioned' and exists (
        select 1 from agents b
        where b.tenant_id = a.tenant_id and b.id <> a.id and b.status <> 'decommissioned'
          and normalize(b.name, NFC) = normalize(a.name, NFC)
          and (b.name is nfc normalized or b.id < a.id)
      ) then left(normalize(a.name, NFC), 95) || ' (' || a.id || ')'
      else left(normalize(a.name, NFC), 128) end
    where a.name is not nfc normalized`,
  )}
  drop index agents_name_key;
  create unique index agents_name_key on agents (tenant_id, normalize(name, NFC))
    where status <> 'decommissioned';`;

interface Row {
  tenant_id: string;
  id: string;
  identifier: string;
}

/** As the API has it at this version. */
const canonicalOf = (identifier: string): string => {
  const { protocol, origin, href } = new URL(identifier);
  if (protocol !== 'http:' && protocol !== 'https:') return identifier;
  return href === `${origin}/` ? origin : href;
};

/** Two that were made apart stay apart: the one that is not written canonically is found by its own identifier alone. */
const withCanonical = (rows: readonly Row[]): (Row & { canonical: string })[] => {
  const known = rows.map((row) => ({ ...row, canonical: canonicalOf(row.identifier) }));
  const taken = new Set<string>();
  const first = ({ identifier, canonical }: (typeof known)[number]): number =>
    identifier === canonical ? 0 : 1;
  return known
    .sort((a, b) => first(a) - first(b))
    .map((row) => {
      const key = `${row.tenant_id} ${row.canonical}`;
      const canonical = taken.has(key) ? row.identifier : row.canonical;
      taken.add(key);
      return { ...row, canonical };
    });
};

const setCanonical = async (knex: Knex): Promise<void> => {
  const { rows } = await knex.raw<{ rows: Row[] }>(
    'select tenant_id, id, identifier from resources order by tenant_id, id',
  );
  await knex.raw(
    `update resources r set canonical = c.canonical
     from jsonb_to_recordset(?::jsonb) as c (tenant_id text, id text, canonical text)
     where r.tenant_id = c.tenant_id and r.id = c.id`,
    [JSON.stringify(withCanonical(rows))],
  );
};

export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    ${normalizeNames}
    alter table resources add column canonical text;
    alter table resources no force row level security;
  `);
  await setCanonical(knex);
  // Processes of the version before leave it empty: their rows are found by their identifier.
  await knex.raw(`
    alter table resources force row level security;
    alter table resources add constraint resources_canonical_key unique (tenant_id, canonical);
  `);
};

export const down = async (knex: Knex): Promise<void> => {
  await knex.raw(`
    alter table resources drop column canonical;
    drop index agents_name_key;
    create unique index agents_name_key on agents (tenant_id, name) where status <> 'decommissioned';
  `);
};
