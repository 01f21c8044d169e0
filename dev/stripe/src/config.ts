import { existsSync } from 'node:fs';

export interface Config {
  port: number;
  /** The file of the state. Not set: the state is lost when the process exits. */
  dataFile?: string | undefined;
  /** Stripe's OpenAPI document. If set, every request, response and event is validated. */
  schemaFile?: string | undefined;
}

type Environment = Record<string, string | undefined>;

/** Checks all settings and collects all problems. An empty value counts as absent. */
const parseConfig = (env: Environment): { config: Config; problems: string[] } => {
  const problems: string[] = [];
  const port = Number(env.STRIPE_PORT || 12_111);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    problems.push('STRIPE_PORT must be a port between 0 and 65535');
  }
  const schemaFile = env.STRIPE_SCHEMA || undefined;
  if (schemaFile && !existsSync(schemaFile)) problems.push('STRIPE_SCHEMA names a file that is not there');
  return { config: { port, dataFile: env.STRIPE_DATA_FILE || undefined, schemaFile }, problems };
};

/** The only code of this program that reads its environment. Exits with 78 (EX_CONFIG) if a setting is invalid. */
export const readConfig = (): Config => {
  const { config, problems } = parseConfig(process.env);
  if (problems.length === 0) return config;
  process.stderr.write(
    `The stand-in for Stripe cannot start with these settings:\n  - ${problems.join('\n  - ')}\n`,
  );
  process.exit(78);
};
