import type { MigrateSettings } from './migrate.ts';

/** Reads this program's environment; prints every problem and exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (env: NodeJS.ProcessEnv = process.env): MigrateSettings => {
  const problems: string[] = [];
  const url = (name: string, required: boolean): string | undefined => {
    const value = env[name];
    if (!value) {
      if (required)
        problems.push(`${name} is missing: set it to the URL of the Postgres user that owns the schema`);
      return undefined;
    }
    if (!/^postgres(ql)?:\/\//.test(value) || !URL.canParse(value)) {
      problems.push(`${name} must be a postgres:// URL`);
    }
    return value;
  };
  const databaseUrl = url('DATABASE_URL', true);
  const appDatabaseUrl = url('APP_DATABASE_URL', false);
  if (problems.length || !databaseUrl) {
    process.stderr.write(`The migrations cannot start:\n${problems.map((line) => `  - ${line}\n`).join('')}`);
    process.exit(78);
  }
  return { databaseUrl, appDatabaseUrl };
};
