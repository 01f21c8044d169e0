import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Stripe } from 'stripe';
import { freePort } from '../../../dev/src/ports.ts';
import { required } from '../../../dev/test/support/required.ts';
import { answers, program, runProgram } from './processes.ts';
import type { Program } from './processes.ts';
import { openAccount } from './stripe-account.ts';

/** Of the API as well: both open the signing keys. */
export const KEYS = `k1:${Buffer.alloc(32, 9).toString('base64')}`;

/** A line of `temporal workflow list`, as an operator would read it. */
export interface Listed {
  id: string;
  type: string;
  status: string;
  attributes: Record<string, unknown>;
}

/** Temporal, the worker and Stripe or its stand-in: what the API needs to sell. */
export interface Billing {
  temporal: Program;
  worker: Program;
  stripe: Program;
  /** Not the stand-in, so nothing is controlled but by Stripe's API. */
  isRealStripe: boolean;
  temporalUiUrl: string;
  /** Where the worker serves its metrics. */
  metricsUrl: string;
  stripeUrl: string;
  /** What the API is told of them. */
  environment: Record<string, string>;
  /** The stand-in's own controls. */
  dev<T = unknown>(path: string, init?: RequestInit): Promise<T>;
  /** As the client that owns the account. Throws if a real account refuses. */
  ask<T>(path: string, init?: RequestInit): Promise<T>;
  workflows(tenantId: string): Promise<Listed[]>;
  /** What an operator types; answers what it prints. */
  temporalCli(args: string[]): Promise<string>;
  close(): Promise<void>;
}

interface Wanted {
  apiUrl: string;
  dashboardUrl: string;
  appDatabaseUrl: string;
  env: Record<string, string>;
  /** Of a real account in test mode. */
  stripeKey?: string | undefined;
}

const temporalProgram = async (folder: string) => {
  const [port, uiPort] = [await freePort(), await freePort()];
  const options = {
    ip: '127.0.0.1',
    port: String(port),
    'ui-port': String(uiPort),
    'db-filename': join(folder, 'temporal.db'),
    'log-level': 'error',
  };
  const pragmas = ['journal_mode=WAL', 'synchronous=OFF'].flatMap((pragma) => ['--sqlite-pragma', pragma]);
  const argv = [
    required('TEST_TEMPORAL_PROGRAM'),
    ...['server', 'start-dev', '--ui-disable-news-fetch'],
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ...pragmas,
  ];
  const uiUrl = `http://127.0.0.1:${uiPort}`;
  return {
    address: `127.0.0.1:${port}`,
    uiUrl,
    temporal: program(argv, { HOME: folder }, () => answers(`${uiUrl}/api/v1/namespaces/default`)),
  };
};

const workerProgram = (port: number, env: Record<string, string>): Program =>
  program(['workers/src/main.ts'], { ...env, METRICS_PORT: String(port), LOG_LEVEL: 'silent' }, () =>
    answers(`http://127.0.0.1:${port}/health`),
  );

/** The same set-up for every account; answers the webhook's secret, if Stripe can reach the webhook. */
const setUp = async (folder: string, env: Record<string, string>): Promise<string> => {
  const file = join(folder, 'secrets.env');
  await runProgram(['api/src/stripe-setup/main.ts', '--secrets-file', file], env);
  if (!existsSync(file)) return '';
  return /^STRIPE_WEBHOOK_SECRETS=(.*)$/m.exec(readFileSync(file, 'utf8'))![1]!;
};

const cli =
  (address: string) =>
  async (args: string[]): Promise<string> =>
    (await promisify(execFile)(required('TEST_TEMPORAL_PROGRAM'), [...args, '--address', address])).stdout;

const listWorkflows = async (address: string, query: string): Promise<Listed[]> => {
  const printed = await cli(address)(['workflow', 'list', '--query', query, '--output', 'json']);
  interface Line {
    execution: { workflowId: string };
    type: { name: string };
    status: string;
    searchAttributes?: { indexedFields?: Record<string, { data: string }> };
  }
  return (JSON.parse(printed) as Line[]).map(({ execution, type, status, searchAttributes }) => ({
    id: execution.workflowId,
    type: type.name,
    status: status.replace('WORKFLOW_EXECUTION_STATUS_', ''),
    attributes: Object.fromEntries(
      Object.entries(searchAttributes?.indexedFields ?? {}).map(([name, { data }]) => [
        name,
        JSON.parse(Buffer.from(data, 'base64').toString()) as unknown,
      ]),
    ),
  }));
};

/** Brings up what the API needs to sell, each with a state of its own. */
export const startBilling = async ({
  apiUrl,
  dashboardUrl,
  appDatabaseUrl,
  env,
  stripeKey,
}: Wanted): Promise<Billing> => {
  const folder = mkdtempSync(join(tmpdir(), 'sentryagent-'));
  const [{ temporal, address, uiUrl }, account] = await Promise.all([
    temporalProgram(folder),
    openAccount(folder, stripeKey),
  ]);
  const { program: stripe, url: stripeUrl, isReal: isRealStripe } = account;
  const access = { ...account.environment, DASHBOARD_URL: dashboardUrl };
  const workerPort = await freePort();
  const worker = workerProgram(workerPort, {
    ...access,
    APP_DATABASE_URL: appDatabaseUrl,
    KEY_ENCRYPTION_KEYS: KEYS,
    TEMPORAL_ADDRESS: address,
    WORKFLOW_BUNDLE: required('TEST_WORKFLOW_BUNDLE'),
    ...env,
  });
  await Promise.all([temporal.start(), stripe.start()]);
  const [secret] = await Promise.all([setUp(folder, { ...access, PUBLIC_URL: apiUrl }), worker.start()]);
  const fetchJson = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await fetch(`${stripeUrl}${path}`, init);
    const body = (await response.json()) as T;
    if (isRealStripe && !response.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  };
  return {
    temporal,
    worker,
    stripe,
    isRealStripe,
    temporalUiUrl: uiUrl,
    metricsUrl: `http://127.0.0.1:${workerPort}/metrics`,
    stripeUrl,
    environment: { ...access, TEMPORAL_ADDRESS: address, STRIPE_WEBHOOK_SECRETS: secret },
    dev: (path, init) => {
      if (isRealStripe) throw new Error(`Stripe has no control ${path}`);
      return fetchJson(`/_dev${path}`, { headers: { 'content-type': 'application/json' }, ...init });
    },
    ask: (path, init) =>
      fetchJson(`/v1${path}`, {
        headers: { authorization: `Bearer ${account.key}`, 'stripe-version': Stripe.API_VERSION },
        ...init,
      }),
    workflows: (tenantId) => listWorkflows(address, `TenantId = "${tenantId}"`),
    temporalCli: cli(address),
    close: async () => {
      await Promise.all([worker.stop(), stripe.stop()]);
      await temporal.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
