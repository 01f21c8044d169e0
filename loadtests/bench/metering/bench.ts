import { freePort } from '../../../dev/src/ports.ts';
import { startApi } from '../api.ts';
import type { Bench, Candidate } from '../bench.ts';
import type { Load, Measured } from '../load.ts';
import { readProcessorTime } from '../processor-time.ts';
import { getRequest, takeTurns } from '../requests.ts';
import type { Servers } from '../servers.ts';
import { createCallers, type Caller } from './callers.ts';

const BEARER = 'an agent reads itself';
const BARE = 'the same, bare';
const SESSION = 'a member reads the agent';
const WHO = 'a member reads the session';
const GATE = 'the gate alone';
const LUA = 'the Lua call of the gate';

const programOf = (name: string): string => `loadtests/bench/metering/parts/${name}.ts`;

type Headers = (caller: Caller) => Record<string, string>;
const bearer: Headers = ({ token }) => ({ Authorization: `Bearer ${token}` });
const session: Headers = ({ cookie }) => ({ Cookie: cookie });

const reads = (name: string, port: number, callers: readonly Caller[], headers: Headers): Candidate =>
  takeTurns(
    name,
    port,
    callers.map((caller) => getRequest(port, `/agents/${caller.agentId}`, headers(caller))),
  );

/** The same bytes as those of the agents, to the route alone. */
const startBare = async (servers: Servers, callers: readonly Caller[]): Promise<Candidate> => {
  const port = await freePort();
  const ids = callers.map(({ agentId, tenantId }) => `${agentId}=${tenantId}`);
  await startApi(servers, port, { name: 'bare-api', argv: [programOf('bare-api'), ...ids] });
  return reads(BARE, port, callers, bearer);
};

/** The gate and its Lua call, in a process of their own. */
const startGate = async (servers: Servers, callers: readonly Caller[]): Promise<Candidate[]> => {
  const port = await freePort();
  const tenants = callers.map(({ tenantId }) => tenantId);
  await startApi(servers, port, { name: 'gate', argv: [programOf('gate'), ...tenants] });
  const ask = async (path: string, { connections, ms }: Load): Promise<Measured> => {
    const before = readProcessorTime();
    const response = await fetch(`http://127.0.0.1:${port}/${path}?connections=${connections}&ms=${ms}`);
    const measured = (await response.json()) as Measured;
    const count = (measured.perSecond * ms) / 1_000;
    return { ...measured, processorMicros: (readProcessorTime() - before) / count };
  };
  return [
    { name: GATE, measure: (load) => ask('gate', load) },
    { name: LUA, measure: (load) => ask('lua', load) },
  ];
};

export const metering: Bench = {
  about: 'requests of agents and members of ten tenants: GET /agents/:id, one process',
  unit: 'a second',
  connections: 32,
  prepare: async (servers, { profileDir }) => {
    servers.say('the API and its callers');
    const port = await freePort();
    // No tenant reaches a quota, and the tokens last for many rounds.
    const env = { BILLING_ENABLED: 'false', TOKEN_TTL_SECONDS: '3600' };
    await startApi(servers, port, { profileDir, env });
    const callers = await createCallers(`http://127.0.0.1:${port}`);
    const byBearer = reads(BEARER, port, callers, bearer);
    const bySession = reads(SESSION, port, callers, session);
    if (profileDir) return { candidates: [byBearer, bySession], budgets: [] };
    const whoAmI = callers.map((caller) => getRequest(port, '/auth/session', session(caller)));
    return {
      candidates: [
        byBearer,
        await startBare(servers, callers),
        bySession,
        takeTurns(WHO, port, whoAmI),
        ...(await startGate(servers, callers)),
      ],
      budgets: [
        { of: BEARER, against: BARE, atLeast: 0.6 },
        { of: SESSION, against: BEARER, atLeast: 0.35 },
        { of: WHO, against: BEARER },
        { of: GATE, against: LUA, atLeast: 0.8 },
      ],
    };
  },
};
