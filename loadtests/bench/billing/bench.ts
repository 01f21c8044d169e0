import { Pool } from 'pg';
import type { Bench } from '../bench.ts';
import { BARE_SIGNAL, BARE_START, prepareBare } from './bare.ts';
import {
  APPLIED,
  STARTED,
  TIER,
  applied,
  checkouts,
  createOurs,
  subscribe,
  taken,
  tierChanges,
} from './ours.ts';
import { startSelling } from './stack.ts';
import { signUpTenants } from './tenants.ts';

/** Tenants for each second of a round. A round ends early if each of them has started its checkout. */
const TENANTS_A_SECOND = 50;
/** Each may start 50 checkouts a day. */
const CHANGING = 20;

export const billing: Bench = {
  about: 'billing: API and worker over Temporal, Postgres and the stand-in for Stripe, one process each',
  unit: 'a second',
  // A checkout fails after 2.5 s, so more connections would measure clicks that are repeated.
  connections: 16,
  prepare: async (servers, { connections, seconds, profileDir }) => {
    const { databaseUrl, say } = servers;
    say('the API, the worker, Temporal and the stand-in for Stripe');
    const stack = await startSelling(servers, { profileDir });
    const pool = new Pool({ connectionString: databaseUrl, max: 4 });
    // At the end, Postgres stops before this process.
    pool.on('error', () => {});
    const ours = createOurs(stack, pool);
    const buyers = Math.max(connections, Math.ceil(TENANTS_A_SECOND * seconds));
    say(`${buyers + connections + CHANGING} tenants, ${connections} of them with a subscription`);
    const tenants = await signUpTenants(stack.apiUrl, 0, buyers + connections + CHANGING);
    const subscribers = tenants.splice(0, connections);
    const changing = tenants.splice(0, CHANGING);
    for (const tenant of subscribers) await subscribe(ours, tenant);
    const [started, read] = [checkouts(ours, tenants), applied(ours, subscribers)];
    const rest = [await taken(ours, subscribers), tierChanges(ours, changing)];
    if (profileDir) return { candidates: [started, read, ...rest], budgets: [] };
    const address = stack.temporalAddress;
    const [bareStart, bareSignal] = await prepareBare(servers, { address, pool, connections });
    return {
      candidates: [started, bareStart, read, bareSignal, ...rest],
      budgets: [
        { of: STARTED, against: BARE_START, atLeast: 0.8 },
        { of: APPLIED, against: BARE_SIGNAL, atLeast: 0.8 },
      ],
      limits: [{ of: TIER, p99AtMost: 1_000 }],
    };
  },
};
