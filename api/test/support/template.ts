import { migrateUp } from '@sentryagent/migrations';
import { TEMPLATE, adminUrl, appUrl, query } from './servers.ts';

/** Runs once before all test files: one migrated database that each of them copies. */
export const setup = async (): Promise<void> => {
  await query(adminUrl(), `drop database if exists ${TEMPLATE} with (force)`);
  await query(adminUrl(), `create database ${TEMPLATE}`);
  await migrateUp({ databaseUrl: adminUrl(TEMPLATE), appDatabaseUrl: appUrl(TEMPLATE) });
};
