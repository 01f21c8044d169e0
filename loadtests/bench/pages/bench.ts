import { join } from 'node:path';
import { freePort } from '../../../dev/src/ports.ts';
import { buildDashboard } from '../../../dev/src/dashboard-build.ts';
import { answers, waitFor } from '../../../dev/src/wait-for.ts';
import { DASHBOARD_URL, profileFlags, startApi } from '../api.ts';
import type { Bench, Candidate } from '../bench.ts';
import { createCallers } from '../metering/callers.ts';
import { getRequest, takeTurns } from '../requests.ts';
import type { Data, Servers } from '../servers.ts';

const OURS = 'SentryAgent';
const THEIRS = 'the other checkout';

interface Checkout {
  name: string;
  root: string;
  data: Data;
  profileDir?: string | undefined;
}

const startDashboard = async (
  { children }: Servers,
  { name, root, profileDir }: Checkout,
  apiUrl: string,
): Promise<number> => {
  const port = await freePort();
  children.serve({
    name: `dashboard of ${name}`,
    argv: [process.execPath, ...profileFlags(profileDir), 'build'],
    cwd: join(root, 'dashboard'),
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      ORIGIN: DASHBOARD_URL,
      API_URL: apiUrl,
      PUBLIC_API_URL: apiUrl,
      DATABASE_URL: undefined,
      APP_DATABASE_URL: undefined,
    },
  });
  await waitFor('The dashboard', () => answers(`http://127.0.0.1:${port}/`));
  return port;
};

/** A page without the usage would be no page: the API has failed. */
const checkPage = async (name: string, port: number, cookie: string): Promise<void> => {
  const response = await fetch(`http://127.0.0.1:${port}/usage`, { headers: { cookie }, redirect: 'manual' });
  const text = await response.text();
  if (response.status !== 200 || !text.includes('API calls') || text.includes('is unavailable'))
    throw new Error(`${name} answered ${response.status}:\n${text.slice(0, 2_000)}`);
};

/** The Usage pages of members of ten tenants. */
const pagesOf = async (servers: Servers, checkout: Checkout): Promise<Candidate> => {
  const { name, root, data, profileDir } = checkout;
  const port = await freePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  await startApi({ ...servers, ...data }, port, { name: `api of ${name}`, root, profileDir });
  const callers = await createCallers(apiUrl);
  const dashboard = await startDashboard(servers, checkout, apiUrl);
  for (const { cookie } of callers) await checkPage(name, dashboard, cookie);
  const asked = { Accept: 'text/html', 'Accept-Encoding': 'gzip, deflate, br' };
  const requests = callers.map(({ cookie }) => getRequest(dashboard, '/usage', { ...asked, Cookie: cookie }));
  return takeTurns(name, dashboard, requests);
};

export const pages: Bench = {
  about: 'signed-in /usage pages of ten tenants: one dashboard and one API process',
  unit: 'pages/s',
  connections: 16,
  prepare: async (servers, { against, profileDir }) => {
    const { config, children, say } = servers;
    say('the dashboard, the API and its members');
    await buildDashboard(config, children, say);
    const ours = await pagesOf(servers, { name: OURS, root: config.root, data: servers, profileDir });
    if (against === undefined || profileDir) return { candidates: [ours], budgets: [] };
    say(`those of ${against}`);
    const data = await servers.addData(against);
    const theirs = await pagesOf(servers, { name: THEIRS, root: against, data });
    return { candidates: [ours, theirs], budgets: [{ of: OURS, against: THEIRS, atLeast: 4 }] };
  },
};
