import type { Pool } from 'pg';
import type { Config } from './config.ts';
import { assertSafeCatalogue } from './platform/catalogue.ts';
import { closeAll } from './platform/close-all.ts';
import { systemClock, type Clock } from './platform/clock.ts';
import { createDatabase, createPeoplePool, type Database } from './platform/database.ts';
import type { Keyring } from './platform/keyring.ts';
import type { Logger } from './platform/logger.ts';
import { createMetrics, type Metrics } from './platform/metrics.ts';
import { createPeople, type People } from './platform/people.ts';
import { createRedis, isRefusal, type Redis } from './platform/redis.ts';
import type { Seen } from './platform/service-state.ts';
import { createStripe, type Stripe } from './platform/stripe.ts';
import { createTemporal, type Temporal } from './platform/temporal.ts';
import { resealSecrets } from './services/two-factor/reseal-secrets.ts';
import { createLedger, type Ledger } from './services/tokens/ledger.ts';
import { startStripeEvents, type StripeEvents } from './services/billing/events/stripe-events.ts';
import { createResourceLookup, type FindResource } from './services/resources/find-resource.ts';
import { createVerifier, forAudience, type VerifyAccessToken } from './services/tokens/access-token.ts';
import {
  createAssertionAuthentication,
  type AuthenticateAssertion,
} from './services/clients/authenticate-assertion.ts';
import {
  createSecretAuthentication,
  type AuthenticateSecret,
} from './services/clients/authenticate-secret.ts';
import { createRefusedClients, type RefusedClients } from './services/clients/refused-clients.ts';
import { createRevocations } from './services/tokens/revocations.ts';
import { createCredentialUses, type CredentialUses } from './services/clients/credential-uses.ts';
import { loadSigningKeys, type SigningKeys } from './services/signing-keys/signing-keys.ts';
import { startTokenFeed, type TokenFeed } from './services/tokens/token-feed.ts';
import { createCallCaps, type CallCaps } from './services/usage/call-caps.ts';
import { createMeter, type Meter } from './services/usage/meter.ts';
import { warnOwners } from './services/usage-warnings/warn-owners.ts';
import { createTierLookup, type FindTier } from './services/usage/tenant-tier.ts';
import { lookForWorkers } from './services/health/look-for-workers.ts';
import { createProbes } from './services/health/probe-services.ts';
import { readStripeProbe } from './services/health/stripe-probe.ts';
import type { HealthSources } from './services/health/watch-health.ts';

/** Everything that a request can use. A service takes only the part that it needs. */
export interface Deps {
  config: Config;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  db: Database;
  redis: Redis | undefined;
  people: People;
  peoplePool: Pool;
  peppers: Keyring;
  signingKeys: SigningKeys;
  tokenFeed: TokenFeed;
  /** Accepts only tokens whose audience is the API. */
  verifyAccessToken: VerifyAccessToken;
  /** Accepts our tokens for any resource. */
  verifyIssuedToken: VerifyAccessToken;
  authenticateSecret: AuthenticateSecret;
  authenticateAssertion: AuthenticateAssertion;
  findResource: FindResource;
  findTier: FindTier;
  /** The caps of agents that are enforced. */
  callCaps: CallCaps;
  credentialUses: CredentialUses;
  refusedClients: RefusedClients;
  ledger: Ledger;
  meter: Meter;
  temporal: Temporal | undefined;
  /** `undefined` unless billing is configured. */
  stripe: Stripe | undefined;
  stripeEvents: StripeEvents | undefined;
}

/** Shorter than the timeout of the worker, because a user waits for the response. */
const STRIPE_PATIENCE_MS = 2_000;

const createBilling = (
  config: Config,
  given: { db: Database; clock: Clock; logger: Logger },
): Pick<Deps, 'temporal' | 'stripe' | 'stripeEvents'> => {
  const { TEMPORAL_ADDRESS, STRIPE_SECRET_KEY, BILLING_ENABLED } = config;
  const temporal = TEMPORAL_ADDRESS ? createTemporal({ ...config, TEMPORAL_ADDRESS }) : undefined;
  if (!BILLING_ENABLED || !temporal || !STRIPE_SECRET_KEY) {
    if (BILLING_ENABLED)
      given.logger.warn('TEMPORAL_ADDRESS or STRIPE_SECRET_KEY is not set; checkout is disabled');
    return { temporal, stripe: undefined, stripeEvents: undefined };
  }
  const stripe = createStripe({ ...config, STRIPE_SECRET_KEY }, { timeoutMs: STRIPE_PATIENCE_MS });
  return { temporal, stripe, stripeEvents: startStripeEvents({ ...given, config, temporal, stripe }) };
};

type TokenDeps = Pick<
  Deps,
  'callCaps' | 'signingKeys' | 'tokenFeed' | 'verifyAccessToken' | 'verifyIssuedToken'
>;

const createTokens = async (given: {
  config: Config;
  db: Database;
  clock: Clock;
  logger: Logger;
}): Promise<TokenDeps> => {
  const { config, db, clock, logger } = given;
  const signingKeys = await loadSigningKeys(db, config.KEY_ENCRYPTION_KEYS, { logger, now: clock() });
  const revocations = createRevocations();
  const callCaps = createCallCaps();
  const tokenFeed = await startTokenFeed({ db, logger, config, signingKeys, revocations, callCaps });
  const issuer = config.PUBLIC_URL;
  const verifyIssuedToken = createVerifier({ signingKeys, revocations, feed: tokenFeed, issuer, clock });
  const verifyAccessToken = forAudience(verifyIssuedToken, issuer);
  return { callCaps, signingKeys, tokenFeed, verifyAccessToken, verifyIssuedToken };
};

/** Opens all sockets. Rejects if the database does not separate tenants. */
export const createDeps = async (
  config: Config,
  logger: Logger,
  clock: Clock = systemClock,
): Promise<Deps> => {
  const metrics = createMetrics(config);
  const db = createDatabase(config, metrics.query);
  await db.acrossTenants(assertSafeCatalogue);
  const peoplePool = createPeoplePool(config, logger);
  await resealSecrets({ peoplePool, config }).catch((error: unknown) =>
    logger.error({ err: error }, 'encrypting the keys of authenticator apps with the current key failed'),
  );
  const redis =
    config.REDIS_URL && config.REDIS_RATE_LIMIT_ENABLED
      ? createRedis({ ...config, REDIS_URL: config.REDIS_URL, onCommand: metrics.command })
      : undefined;
  if (!redis) logger.warn('Redis is not configured; this process counts limits in its own memory');
  const tokens = await createTokens({ config, db, clock, logger });
  const credentialUses = createCredentialUses(db, logger);
  return {
    config,
    clock,
    logger,
    metrics,
    db,
    redis,
    peoplePool,
    people: createPeople({
      pool: peoplePool,
      dashboardUrl: config.DASHBOARD_URL,
      secret: config.AUTH_SECRET,
    }),
    peppers: config.CLIENT_SECRET_PEPPERS,
    ...tokens,
    authenticateSecret: createSecretAuthentication(db, config.CLIENT_SECRET_PEPPERS, clock),
    authenticateAssertion: createAssertionAuthentication(db, config.PUBLIC_URL, clock),
    findResource: createResourceLookup(db),
    findTier: createTierLookup(db),
    credentialUses,
    refusedClients: createRefusedClients({ db, logger, clock }),
    ledger: createLedger(db, credentialUses.note),
    meter: createMeter({
      ...{ db, redis, clock, logger, config },
      onStored: config.BILLING_ENABLED ? (days) => warnOwners(db, days) : undefined,
    }),
    ...createBilling(config, { db, clock, logger }),
  };
};

export const healthSources = ({ db, meter, temporal }: Pick<Deps, 'db' | 'meter' | 'temporal'>) =>
  ({
    database: db.look,
    redis: meter.redisState,
    temporal: temporal ? temporal.look : () => ({ state: 'disabled' }),
  }) satisfies HealthSources<string>;

const pingRedis = async ({ redis, meter }: Pick<Deps, 'redis' | 'meter'>): Promise<Seen> => {
  try {
    await redis?.ping();
    return meter.redisState();
  } catch (cause) {
    return { state: isRefusal(cause) ? 'degraded' : 'disconnected', cause };
  }
};

/** Probes each service on request, and shows the results and the connections to Postgres as metrics. */
export const probeServices = (deps: Deps) => {
  const { db, temporal, stripe, metrics } = deps;
  const disabled = (): Seen => ({ state: 'disabled' });
  const probes = createProbes({
    database: db.look,
    redis: () => pingRedis(deps),
    temporal: temporal ? () => lookForWorkers(temporal) : disabled,
    stripe: stripe ? () => readStripeProbe(db) : disabled,
  });
  const readHealth = async (): Promise<Record<string, number>> => {
    const known = Object.entries(await probes()).filter(([, { status }]) => status !== 'disabled');
    return Object.fromEntries(known.map(([name, { status }]) => [name, Number(status === 'healthy')]));
  };
  metrics.gauge('db_pool_active_connections', 'Connections in use', () => db.connections().active);
  metrics.gauge('db_pool_waiting_requests', 'Requests that wait', () => db.connections().waiting);
  metrics.gauge('dependency_healthy', '1: healthy. 0: degraded or unreachable', readHealth, 'dependency');
  return probes;
};

/** The time to store the counts that are still in memory. */
const WRITE_MS = 5_000;
/** The time to close the sockets. The end of the process closes the others. */
const SOCKETS_MS = 2_000;

/** Stores the counts that are still in memory, then closes all sockets. Returns whether all of it succeeded. */
export const closeDeps = async (deps: Deps): Promise<boolean> => {
  const { stripeEvents, tokenFeed, meter, credentialUses, refusedClients, logger } = deps;
  const { redis, temporal, peoplePool, db } = deps;
  const writers = {
    'delivery of Stripe events': stripeEvents?.stop,
    'token feed': tokenFeed.stop,
    'last flush of usage': meter.stop,
    'last use of credentials': credentialUses.stop,
    'refused clients': refusedClients.stop,
  };
  const sockets = {
    Redis: () => redis?.disconnect(),
    Temporal: () => temporal?.close(),
    'connection pool of better-auth': () => peoplePool.end(),
    'connection pool of Postgres': db.close,
  };
  const isWritten = await closeAll(writers, WRITE_MS, logger);
  return (await closeAll(sockets, SOCKETS_MS, logger)) && isWritten;
};
