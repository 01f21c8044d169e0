import type { Children } from './children.ts';
import type { Config, Environment } from './config.ts';
import type { Progress } from './progress.ts';
import type { Secrets } from './secrets.ts';

/** What the parts find or make for those after them. */
export interface Found {
  /** The owner of the schema, and the login that the processes use. */
  databaseUrl?: string;
  appDatabaseUrl?: string;
  /** Absent: limits are kept in memory. */
  redisUrl?: string;
  /** How Temporal is reached. Absent: whatever needs a workflow is off. */
  temporalEnv?: Environment;
  smtpUrl?: string;
  /** How Stripe, or what stands in for it, is reached. */
  stripeEnv?: Environment;
  stripeWebhookSecrets?: string | undefined;
  /** For a person's browser; absent where the caller brings his own. */
  temporalUiUrl?: string;
  stripeUrl?: string;
  mailUrl?: string;
  /** The demo's own command to try. */
  tryIt?: string;
}

export interface Context {
  config: Config;
  secrets: Secrets;
  children: Children;
  watch: boolean;
  found: Found;
  progress: Pick<Progress, 'detail'>;
}

export interface Started {
  found?: Found;
  /** Stands behind the part's progress line. */
  note?: string;
  /** For the closing table: what it is, and where. */
  rows?: [string, string][];
}

/** One piece of the stack. It answers when it is healthy; its processes are the children it started. */
export interface Part {
  name: string;
  start(context: Context): Promise<Started>;
}
