import { setTimeout as wait } from 'node:timers/promises';
import type { Pool } from 'pg';

const POLL_MS = 5;
const PATIENCE_MS = 60_000;

/** Waits for rows of the database. */
export interface Watch<Row> {
  /** Throws after a minute. */
  until(id: string, isSo: (row: Row | undefined) => boolean): Promise<void>;
  read(id: string): Promise<Row | undefined>;
}

/** All who wait share one query every few milliseconds. The query returns rows with an `id`. */
export const createWatch = <Row extends { id: string }>(pool: Pool, query: string): Watch<Row> => {
  let next: Promise<Map<string, Row>> | undefined;
  const readAll = async (): Promise<Map<string, Row>> => {
    await wait(POLL_MS);
    // Who asks from now on is not served by a query that may have begun before.
    next = undefined;
    const { rows } = await pool.query<Row>(query);
    return new Map(rows.map((row) => [row.id, row]));
  };
  const read = async (id: string): Promise<Row | undefined> => (await (next ??= readAll())).get(id);
  return {
    read,
    until: async (id, isSo) => {
      const deadline = performance.now() + PATIENCE_MS;
      while (!isSo(await read(id))) {
        if (performance.now() > deadline) throw new Error(`waited a minute for ${id}: ${query}`);
      }
    },
  };
};
