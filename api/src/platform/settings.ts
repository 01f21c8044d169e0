import { z } from 'zod';
import { parseKeyring } from './keyring.ts';
import { plainWords } from './plain-words.ts';

export const flag = (initial: boolean) =>
  z
    .enum(['true', 'false'])
    .default(initial ? 'true' : 'false')
    .transform((text) => text === 'true');

/** A whole number, both ends included. */
export const whole = (initial: number, min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error }).default(initial);
};

export const count = (initial: number, min = 1) => whole(initial, min, Number.MAX_SAFE_INTEGER);

export const port = (initial: number) => whole(initial, 0, 65_535);

export const url = (scheme: string, protocol: RegExp) =>
  z.url({ protocol, error: `must be a ${scheme}:// URL` });

const isOrigin = (text: string): boolean =>
  URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);

const originText = z.string().refine(isOrigin, {
  error: 'must be an http(s) origin without a path, such as https://api.example.com',
});

/** An origin without a path, because issuers, audiences and cookies are compared byte by byte. */
export const origin = (initial: string) => z.string().default(initial).pipe(originText);

/** `id:base64` of 32 bytes, comma-separated. The first one is current. */
export const keyring = z.string().transform((text, context) => {
  try {
    return parseKeyring(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

/** The settings of every program that connects to Postgres. */
export const databaseSettings = {
  APP_DATABASE_URL: url('postgres', /^postgres(ql)?$/),
  DB_POOL_MAX: count(20),
  DB_POOL_MIN: count(2, 0),
  DB_POOL_IDLE_TIMEOUT_MS: count(30_000),
  DB_POOL_CONNECTION_TIMEOUT_MS: count(5_000),
};

export const temporalSettings = {
  /** Host and port. TLS is used if TEMPORAL_API_KEY is set. */
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_API_KEY: z.string().min(1).optional(),
};

/** Stripe takes at most 730. */
export const trialDays = whole(0, 0, 730);

export const stripeSettings = {
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(test|live)_\w+$/, 'must be a Stripe secret key or restricted key (sk_… or rk_…)')
    .optional(),
  STRIPE_API_URL: originText.optional(),
};

/** A live Stripe key must never be sent to the stand-in. */
export const refuseLiveStandIn = (
  { STRIPE_SECRET_KEY, STRIPE_API_URL }: { STRIPE_SECRET_KEY?: string; STRIPE_API_URL?: string },
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void => {
  if (!STRIPE_API_URL || !STRIPE_SECRET_KEY?.includes('_live_')) return;
  context.addIssue({
    code: 'custom',
    path: ['STRIPE_API_URL'],
    message: 'cannot be used with a live STRIPE_SECRET_KEY',
  });
};

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info');

/** Parses an environment. Lists all problems and never prints a value. An empty value counts as absent. */
export const parseSettings = <T extends z.ZodType>(
  program: string,
  schema: T,
  env: Record<string, string | undefined>,
): z.infer<T> => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given, { error: plainWords });
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = path.join('.');
    return `  - ${name} ${given[name] === undefined ? 'is missing' : message}`;
  });
  throw new Error(`The ${program} cannot start with these settings:\n${problems.join('\n')}`);
};

/** Returns a program's settings. If they are invalid, prints all problems and exits with 78 (EX_CONFIG). */
export const settingsOrExit = <T>(read: () => T, usage = ''): T => {
  try {
    return read();
  } catch (error) {
    process.stderr.write(
      `${(error as Error).message}\n${usage}See .env.example for a description of each setting.\n`,
    );
    process.exit(78);
  }
};
