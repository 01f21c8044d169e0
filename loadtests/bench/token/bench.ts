import { freePort } from '../../../dev/src/ports.ts';
import { listens, waitFor } from '../../../dev/src/wait-for.ts';
import { startApi } from '../api.ts';
import type { Bench, Budget, Candidate } from '../bench.ts';
import { takeTurns } from '../requests.ts';
import type { Servers } from '../servers.ts';
import { createAgents } from './agents.ts';
import { SCOPE, writeSettings, type Client, type Settings } from './settings.ts';

const OURS = 'SentryAgent';
const BARE_KOA = 'bare Koa that only signs';
const BARE_KOA_DER = 'bare Koa that leaves DER';
const IN_MEMORY = 'oidc-provider, in memory';
const EQUAL_WORK = 'oidc-provider, equal work';

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

const candidate = (name: string, port: number, clients: readonly Client[]): Candidate =>
  takeTurns(
    name,
    port,
    clients.map((client) => tokenRequest(port, client)),
  );

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

/** With few connections, groups are small, so that the wait for the disk counts most. */
const budgetsAt = (connections: number): Budget[] =>
  connections < 32
    ? [
        { of: OURS, against: BARE_KOA },
        { of: OURS, against: EQUAL_WORK, atLeast: 1.1 },
      ]
    : [
        { of: OURS, against: BARE_KOA, atLeast: 0.6 },
        { of: OURS, against: EQUAL_WORK, atLeast: 1.5 },
      ];

export const token: Bench = {
  about: 'token issuance: client_credentials by Basic, 50 agents of 10 tenants, one process',
  unit: 'tokens/s',
  // Keeps both cores of a small machine busy while groups of requests wait for the disk.
  connections: 128,
  prepare: async (servers, { connections, profileDir }) => {
    const { databaseUrl, redisUrl, say } = servers;
    say('the API and its agents');
    const port = await freePort();
    await startApi(servers, port, { profileDir });
    const clients = await createAgents(`http://127.0.0.1:${port}`);
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
        ...budgetsAt(connections),
        { of: OURS, against: BARE_KOA_DER },
        { of: OURS, against: IN_MEMORY },
      ],
    };
  },
};
