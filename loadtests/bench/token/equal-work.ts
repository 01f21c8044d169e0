import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Context, Middleware } from 'koa';
import pg from 'pg';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { Client, Settings } from './settings.ts';

/** The columns and the two indexes of our table, without the hash chain. */
const TABLE = `create table if not exists bench_audit_events (
  tenant_id text not null, event_id text not null, occurred_at timestamptz not null, actor_kind text not null,
  actor_id text not null, agent_id text, action text not null, outcome text not null, ip text, user_agent text,
  request_id text, metadata jsonb not null, primary key (tenant_id, event_id), unique (event_id))`;

const INSERT = {
  name: 'insert_audit_event',
  text: `insert into bench_audit_events values ($1, $2, now(), 'agent', $3, $3, 'token.issued', 'success', $4, $5, $6, $7)`,
};

const clientIdOf = (ctx: Context): string => {
  const credentials = Buffer.from(ctx.get('authorization').slice('Basic '.length), 'base64').toString();
  return credentials.slice(0, credentials.indexOf(':'));
};

/**
 * The work of our token path besides the token, added to a server that lacks it: a rate limit per client and the
 * tenant's usage in Redis, and a committed audit row per token in Postgres before the response.
 */
export const createEqualWork = async (
  { databaseUrl, redisUrl }: NonNullable<Settings['equalWork']>,
  clients: readonly Client[],
): Promise<Middleware> => {
  const tenants = new Map(clients.map(({ clientId, tenantId }) => [clientId, tenantId]));
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
  await pool.query(TABLE);
  const redis = new Redis(redisUrl);
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 1_000_000, duration: 60 });
  return async (ctx, next) => {
    const clientId = clientIdOf(ctx);
    const tenantId = tenants.get(clientId) ?? '';
    await limiter.consume(clientId);
    await next();
    if (ctx.status !== 200) return;
    const day = new Date().toISOString().slice(0, 10);
    const metadata = JSON.stringify({ grantType: 'client_credentials', scope: 'agents:read' });
    const values = [tenantId, randomUUID(), clientId, ctx.ip, ctx.get('user-agent'), randomUUID(), metadata];
    await Promise.all([
      redis.hincrby(`bench:usage:${tenantId}:${day}`, 'token_issuances', 1),
      pool.query({ ...INSERT, values }),
    ]);
  };
};
