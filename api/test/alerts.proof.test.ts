import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRedisServer } from './support/redis-server.ts';
import type { RedisServer } from './support/redis-server.ts';
import { writeProof } from './support/proof-report.ts';
import { freePort } from '../../dev/src/ports.ts';
import { required } from '../../dev/test/support/required.ts';
import { until } from '../../dev/test/support/until.ts';
import { signUpByHttp } from '../../e2e/test/support/people.ts';
import type { SignedUp } from '../../e2e/test/support/people.ts';
import { startSellingStack } from '../../e2e/test/support/stack.ts';
import type { SellingStack } from '../../e2e/test/support/stack.ts';

/** The promise, and what an alert may need to end again. */
const BOUND_MS = 120_000;
const CALM_MS = 300_000;

const deploy = new URL('../../deploy/', import.meta.url).pathname;

let stack: SellingStack;
let redis: RedisServer;
let owner: SignedUp;
let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
let load: { stop(): Promise<void> };

/** A Prometheus with the settings and rules that we ship, and the addresses of this stack. */
const startPrometheus = async ({ metricsUrl, billing }: SellingStack) => {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const settings = readFileSync(join(deploy, 'prometheus.yml'), 'utf8')
    .replace('alerts/sentryagent.rules.yml', join(deploy, 'alerts/sentryagent.rules.yml'))
    .replace('127.0.0.1:9464', new URL(metricsUrl).host)
    .replace('127.0.0.1:9465', new URL(billing.metricsUrl).host);
  writeFileSync(join(folder, 'prometheus.yml'), settings);
  const address = `127.0.0.1:${await freePort()}`;
  const flags = {
    'config.file': join(folder, 'prometheus.yml'),
    'storage.tsdb.path': join(folder, 'data'),
    'web.listen-address': address,
    'log.level': 'error',
  };
  const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(required('TEST_PROMETHEUS'), argv, { stdio: 'inherit' });
  const ask = async <T>(path: string): Promise<T> =>
    ((await (await fetch(`http://${address}/api/v1/${path}`)).json()) as { data: T }).data;
  await until('both targets are scraped', async () => {
    const { activeTargets } = await ask<{ activeTargets: { health: string }[] }>('targets');
    return activeTargets.length === 2 && activeTargets.every(({ health }) => health === 'up');
  });
  return {
    firing: async () => {
      const { alerts } = await ask<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts');
      return [
        ...new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)),
      ];
    },
    close: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

/** Requests that go on beside all troubles, so that a rate of errors has something to be a rate of. */
const startLoad = async () => {
  let isOver = false;
  const work = (async () => {
    while (!isOver) {
      await owner.api.agents.list().catch(() => {});
      await wait(100);
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await work;
    },
  };
};

beforeAll(async () => {
  redis = await startRedisServer();
  stack = await startSellingStack({
    REDIS_URL: redis.url,
    DB_POOL_MAX: '3',
    DB_POOL_CONNECTION_TIMEOUT_MS: '60000',
    RATE_LIMIT_MAX_REQUESTS: '1000000',
  });
  owner = await signUpByHttp(stack);
  prometheus = await startPrometheus(stack);
  load = await startLoad();
});
afterAll(async () => {
  await load.stop();
  await prometheus.close();
  await stack.close();
  await redis.close();
});

/** Repeats until it is told to end; answers how to tell it. */
const repeat = (work: () => Promise<unknown>): (() => Promise<void>) => {
  let isOver = false;
  const done = (async () => {
    while (!isOver) await work();
  })();
  return async () => {
    isOver = true;
    await done;
  };
};

const databaseUrl = async (): Promise<string> => {
  const [row] = await stack.sql('select current_database() as name');
  const url = new URL(required('TEST_DATABASE_URL'));
  url.pathname = `/${String(row!.name)}`;
  return url.toString();
};

type Heal = () => Promise<unknown>;

/** Each causes one trouble, and answers how to end it. */
const troubles: Record<string, () => Promise<Heal>> = {
  ApiErrorRate: async () => {
    await stack.billing.stripe.stop();
    // Each waits for some seconds and is answered 503.
    const clicks = Array.from({ length: 8 }, () =>
      repeat(() => owner.api.billing.startCheckout().catch(() => {})),
    );
    return async () => {
      await Promise.all(clicks.map((stop) => stop()));
      await stack.billing.stripe.start();
    };
  },
  DatabasePoolExhausted: async () => {
    const admin = new pg.Client(await databaseUrl());
    await admin.connect();
    // Readers wait for the lock, but none so long that its statement is cancelled.
    const unlock = repeat(async () => {
      await admin.query('begin; lock table agents in access exclusive mode; select pg_sleep(0.4); commit');
    });
    const readers = Array.from({ length: 12 }, () => repeat(() => owner.api.agents.list().catch(() => {})));
    return async () => {
      await Promise.all(readers.map((stop) => stop()));
      await unlock();
      await admin.end();
    };
  },
  RedisAway: async () => {
    await redis.kill();
    return () => redis.start();
  },
  NoWorkerPolling: async () => {
    await stack.billing.worker.kill();
    return () => stack.billing.worker.start();
  },
  WebhookBacklog: async () => {
    // As if the process that claimed it never finished.
    await stack.sql(
      `insert into stripe_events (id, type, customer_id, created_at, leased_until)
       values ('evt_stuck', 'invoice.paid', 'cus_none', now(), now() + interval '1 hour')`,
    );
    return () => stack.sql(`update stripe_events set settled_at = now() where id = 'evt_stuck'`);
  },
  DailyResetLate: async () => {
    await stack.sql(`update tenants set created_at = now() - interval '2 days' where id = $1`, [
      owner.tenantId,
    ]);
    return () => stack.sql('update tenants set created_at = now() where id = $1', [owner.tenantId]);
  },
  BillingDrift: async () => {
    await stack.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [owner.tenantId]);
    await stack.billing.temporalCli(['schedule', 'trigger', '--schedule-id', 'stripe-reconcile']);
    // The alert lasts for two hours, and is the last one here.
    return async () => {};
  },
};

const rows: string[] = [];

it.each(Object.keys(troubles))('the trouble raises its alert, and no other: %s', async (name) => {
  await until('all is calm', async () => (await prometheus.firing()).length === 0, CALM_MS);
  const started = Date.now();
  const heal = await troubles[name]!();
  await until(`${name} fires`, async () => (await prometheus.firing()).includes(name), BOUND_MS);
  const seconds = Math.round((Date.now() - started) / 1_000);
  expect(await prometheus.firing()).toEqual([name]);
  await heal();
  rows.push(`| ${name} | ${seconds} s | ${BOUND_MS / 1_000} s |`);
});

it('the report is written', () => {
  expect(rows.length).toBe(Object.keys(troubles).length);
  writeProof(
    'Alerts of injected troubles, in a real Prometheus',
    [
      '`npm run proof -- api/test/alerts.proof.test.ts`, with the rules and the intervals of `deploy/`.',
      '',
      '| alert | fired after | bound |',
      '|---|---|---|',
      ...rows,
    ].join('\n'),
  );
});
