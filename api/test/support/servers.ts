import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { required } from '../../../dev/test/support/required.ts';

/** The test cluster's superuser. */
export const adminUrl = (database = 'postgres'): string => {
  const url = new URL(required('TEST_DATABASE_URL'));
  url.pathname = `/${database}`;
  return url.toString();
};

/** The application's login in a database of the test cluster. */
export const appUrl = (database: string): string => {
  const url = new URL(adminUrl(database));
  url.username = 'sentryagent_test_login';
  url.password = 'only-for-tests';
  return url.toString();
};

const redisIndexes = new Map<string, number>();

/**
 * A Redis database for each Postgres database, so that test files side by side, and deployments of one file, see
 * nothing of each other: each worker has 16, of which the last is for the journeys.
 */
export const redisUrl = (database: string): string => {
  const index = redisIndexes.get(database) ?? redisIndexes.size;
  redisIndexes.set(database, index);
  const worker = Number(process.env.VITEST_POOL_ID ?? 1) - 1;
  const url = new URL(required('TEST_REDIS_URL'));
  url.pathname = `/${worker * 16 + (index % 15)}`;
  return url.toString();
};

export const TEMPLATE = 'sentryagent_template';

export const query = async (url: string, sql: string, values: unknown[] = []): Promise<pg.QueryResult> => {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await client.query(sql, values);
  } finally {
    await client.end();
  }
};

/** A new database, a copy of the migrated template unless another is named, and an empty Redis beside it. */
export const createTestDatabase = async (template = TEMPLATE): Promise<string> => {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await query(adminUrl(), `create database ${name} template ${template}`);
  const redis = new Redis(redisUrl(name));
  await redis.flushdb();
  redis.disconnect();
  return name;
};

export const dropTestDatabase = (name: string): Promise<pg.QueryResult> =>
  query(adminUrl(), `drop database if exists ${name} with (force)`);
