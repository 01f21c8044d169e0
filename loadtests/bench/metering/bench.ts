import { freePort } from '../../../dev/src/ports.ts';
import { startApi } from '../api.ts';
import type { Bench } from '../bench.ts';
import { getRequest, takeTurns } from '../requests.ts';
import { createCallers } from './callers.ts';

const BEARER = 'SentryAgent: a read by Bearer';
const SESSION = 'SentryAgent: a read by session';

export const metering: Bench = {
  about: 'GET /agents/:id by agents and members of ten tenants, one process',
  unit: 'requests/s',
  connections: 32,
  prepare: async (servers, { profileDir }) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const env = { BILLING_ENABLED: 'false', TOKEN_TTL_SECONDS: '3600' };
    await startApi(servers, port, { profileDir, env });
    const callers = await createCallers(url);
    const bearer = callers.map(({ agentId, token }) =>
      getRequest(port, `/agents/${agentId}`, { Authorization: `Bearer ${token}` }),
    );
    const session = callers.map(({ agentId, cookie }) =>
      getRequest(port, `/agents/${agentId}`, { Cookie: cookie }),
    );
    const who = callers.map(({ cookie }) => getRequest(port, `/auth/session`, { Cookie: cookie }));
    return {
      candidates: [
        takeTurns(BEARER, port, bearer),
        takeTurns(SESSION, port, session),
        takeTurns('who', port, who),
      ],
      budgets: [{ of: SESSION, against: BEARER, atLeast: 0.35 }],
    };
  },
};
