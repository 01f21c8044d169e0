import { freePort } from '../../../dev/src/ports.ts';
import { answers, listens, waitFor } from '../../../dev/src/wait-for.ts';
import type { Bench, Candidate } from '../bench.ts';
import type { Servers } from '../servers.ts';
import { createAgents } from './agents.ts';
import { SCOPE, writeSettings, type Client, type Settings } from './settings.ts';

const OURS = 'SentryAgent';
const BARE_KOA = 'bare Koa that only signs';
const BARE_KOA_DER = 'bare Koa that leaves DER';
const IN_MEMORY = 'oidc-provider, in memory';
const EQUAL_WORK = 'oidc-provider, equal work';

const DASHBOARD_URL = 'http://dashboard.bench';

/** One API process, as in production, but with a rate limit that is never reached. */
const startOurs = async (servers: Servers, profileDir?: string): Promise<number> => {
  const { children, secrets, appDatabaseUrl, redisUrl } = servers;
  const port = await freePort();
  const flags = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : [];
  children.serve({
    name: 'api',
    argv: [process.execPath, ...flags, 'api/src/main.ts'],
    env: {
      NODE_ENV: 'production',
      AUTH_SECRET: secrets.AUTH_SECRET,
      KEY_ENCRYPTION_KEYS: secrets.KEY_ENCRYPTION_KEYS,
      CLIENT_SECRET_PEPPERS: secrets.CLIENT_SECRET_PEPPERS,
      API_PORT: String(port),
      METRICS_PORT: '0',
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      DASHBOARD_URL,
      DATABASE_URL: undefined,
      APP_DATABASE_URL: appDatabaseUrl,
      REDIS_URL: redisUrl,
      RATE_LIMIT_MAX_REQUESTS: '1000000',
    },
  });
  await waitFor('The API', () => answers(`http://127.0.0.1:${port}/health`));
  return port;
};

/** The same bytes for every candidate, except the port. */
const tokenRequest = (port: number, { clientId, clientSecret }: Client): Buffer => {
  const body = `grant_type=client_credentials&scope=${encodeURIComponent(SCOPE)}`;
  const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const lines = [
    'POST /oauth2/token HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'User-Agent: sentryagent-bench',
    `Authorization: Basic ${credentials}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
};

const candidate = (name: string, port: number, clients: readonly Client[]): Candidate => ({
  name,
  port,
  requests: clients.map((client) => tokenRequest(port, client)),
});

/** Starts one of the programs in this folder. */
const startOther = async (
  { children, folder }: Servers,
  other: { name: string; log: string; program: string },
  settings: Omit<Settings, 'port'>,
): Promise<Candidate> => {
  const port = await freePort();
  const file = writeSettings(folder, other.log, { ...settings, port });
  children.serve({
    name: other.log,
    argv: [process.execPath, `loadtests/bench/token/${other.program}.ts`, file],
    env: { NODE_ENV: 'production' },
  });
  await waitFor(other.name, () => listens('127.0.0.1', port));
  return candidate(other.name, port, settings.clients);
};

export const token: Bench = {
  about: 'token issuance: client_credentials by Basic, 50 agents of 10 tenants, one process',
  unit: 'tokens/s',
  prepare: async (servers, profileDir) => {
    const { databaseUrl, redisUrl, say } = servers;
    say('the API and its agents');
    const port = await startOurs(servers, profileDir);
    const clients = await createAgents(`http://127.0.0.1:${port}`, DASHBOARD_URL);
    const ours = candidate(OURS, port, clients);
    if (profileDir) return { candidates: [ours], budgets: [] };
    const [first] = clients;
    const one = { clients: first ? [first] : [] };
    const equalWork = { databaseUrl, redisUrl };
    const program = 'oidc-provider';
    return {
      candidates: [
        ours,
        await startOther(servers, { name: BARE_KOA, log: 'bare-koa', program: 'bare-koa' }, one),
        await startOther(
          servers,
          { name: BARE_KOA_DER, log: 'bare-koa-der', program: 'bare-koa' },
          { ...one, leavesDer: true },
        ),
        await startOther(servers, { name: IN_MEMORY, log: 'in-memory', program }, one),
        await startOther(servers, { name: EQUAL_WORK, log: 'equal-work', program }, { clients, equalWork }),
      ],
      budgets: [
        { against: BARE_KOA, atLeast: 0.5 },
        { against: EQUAL_WORK, atLeast: 1.5 },
        { against: BARE_KOA_DER },
        { against: IN_MEMORY },
      ],
    };
  },
};
