import type { Children } from './children.ts';
import type { Config, Environment } from './config.ts';
import type { Progress } from './progress.ts';
import type { Secrets } from './secrets.ts';

/** The results of started parts, for the parts after them. */
export interface Found {
  /** The schema owner's URL and the login's URL. */
  databaseUrl?: string;
  appDatabaseUrl?: string;
  /** Not set: limits are counted in memory. */
  redisUrl?: string;
  /** The settings for Temporal. Not set: features that need workflows are disabled. */
  temporalEnv?: Environment;
  smtpUrl?: string;
  /** The settings for Stripe or the stand-in. */
  stripeEnv?: Environment;
  stripeWebhookSecrets?: string | undefined;
  /** The URL of its page. Not set if you use your own server. */
  temporalUiUrl?: string;
  stripeUrl?: string;
  mailUrl?: string;
  /** A command to try with the demo account. */
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
  /** The note after the part's progress line. */
  note?: string;
  /** The rows for the final table: name and URL. */
  rows?: [string, string][];
}

/** A part of the stack. `start` resolves when it is healthy. */
export interface Part {
  name: string;
  start(context: Context): Promise<Started>;
}
