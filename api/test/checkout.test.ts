import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';

/** Nobody listens there. */
const AWAY = {
  TEMPORAL_ADDRESS: '127.0.0.1:9',
  STRIPE_SECRET_KEY: 'sk_test_checkout',
  STRIPE_API_URL: 'http://127.0.0.1:9',
};

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: AWAY });
  member = await signUp(api);
});
afterAll(() => api.close());

const checkouts = ({ tenantId }: TestMember) =>
  api.sql('select id, status, session_id from checkouts where tenant_id = $1', [tenantId]);

const expectUnavailableSoon = async (ask: () => Promise<Reply>): Promise<void> => {
  const reply = await ask();
  expect([reply.status, reply.body.code]).toEqual([503, 'service_unavailable']);
  expect(reply.headers.get('retry-after')).toMatch(/^\d+$/);
};

describe('Checkout without Temporal answers 503 quickly', () => {
  it('where nobody listens, and the tokens go on', async () => {
    const agent = await registerAgent(api, member);
    const [, token] = await Promise.all([
      expectUnavailableSoon(() => member.post('/billing/checkout', {})),
      agent.requestToken(),
    ]);
    expect(token.status).toBe(200);
  });

  it('where somebody listens and says nothing', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const other = await startApi({
      env: { ...AWAY, TEMPORAL_ADDRESS: `127.0.0.1:${port}` },
      database: api.database,
    });
    const owner = await signUp(other);
    await expectUnavailableSoon(() => owner.post('/billing/checkout', {}));
    await expectUnavailableSoon(() => owner.post('/billing/checkout', {}));
    await other.close();
    silent.close();
  });

  it('keeps the one open checkout for the next click', async () => {
    const owner = await signUp(api);
    await Promise.all(Array.from({ length: 5 }, () => owner.post('/billing/checkout', {})));
    expect(await checkouts(owner)).toEqual([
      { id: expect.stringMatching(/^chk_[0-9a-z]{26}$/), status: 'open', session_id: null },
    ]);
    const [audit] = await api.sql(
      `select count(*)::int as count from audit_events where tenant_id = $1 and action = 'checkout.started'`,
      [owner.tenantId],
    );
    expect(audit).toEqual({ count: 1 });
  });

  it('where neither Temporal nor Stripe is set up', async () => {
    const bare = await startApi({ database: api.database });
    const owner = await signUp(bare);
    await expectUnavailableSoon(() => owner.post('/billing/checkout', {}));
    expect(await checkouts(owner)).toEqual([]);
    await bare.close();
  });
});

describe('who may start a checkout', () => {
  const start = (headers: Record<string, string>) =>
    call(api, '/billing/checkout', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });

  it('A member without the role cannot buy', async () => {
    const owner = await signUp(api);
    await api.sql(`update members set role = 'member' where tenant_id = $1`, [owner.tenantId]);
    const reply = await owner.post('/billing/checkout', {});
    expect([reply.status, reply.body.code]).toEqual([403, 'forbidden']);
    expect(reply.body.detail).toMatch(/owner or admin/);
    expect(await checkouts(owner)).toEqual([]);
  });

  it('an agent needs billing:write', async () => {
    const agent = await registerAgent(api, member, ['agents:read', 'billing:read']);
    const reply = await start({ authorization: `Bearer ${await agent.token()}` });
    expect(reply.status).toBe(403);
    expect(reply.headers.get('www-authenticate')).toContain('scope="billing:write"');
    const buyer = await registerAgent(api, member, ['billing:write']);
    expect((await start({ authorization: `Bearer ${await buyer.token()}` })).status).toBe(503);
  });

  it('nobody from another site', async () => {
    const reply = await start({ cookie: member.cookie, origin: 'https://elsewhere.example' });
    expect([reply.status, reply.body.code]).toEqual([403, 'origin_not_allowed']);
  });

  it('An absolute return address is refused', async () => {
    const owner = await signUp(api);
    for (const body of ['https://elsewhere.example', '//elsewhere.example'].flatMap((to) => [
      { returnTo: to },
      { success_url: to },
    ])) {
      expect((await owner.post('/billing/checkout', body)).status).toBe(400);
    }
    expect(await checkouts(owner)).toEqual([]);
  });

  it('A paying tenant cannot check out again', async () => {
    const owner = await signUp(api);
    await api.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [owner.tenantId]);
    const reply = await owner.post('/billing/checkout', {});
    expect([reply.status, reply.body.code]).toEqual([409, 'already_subscribed']);
    expect(reply.body.detail).toMatch(/billing portal/);
    expect(await checkouts(owner)).toEqual([]);
  });

  it('Billing switched off hides the checkout', async () => {
    const off = await startApi({ env: { ...AWAY, BILLING_ENABLED: 'false' }, database: api.database });
    const owner = await signUp(off);
    for (const reply of [
      await owner.post('/billing/checkout', {}),
      await owner.get('/billing/checkouts/chk_00000000000000000000000000'),
    ]) {
      expect([reply.status, reply.body.code]).toEqual([404, 'billing_disabled']);
    }
    await off.close();
  });
});

describe('GET /billing/checkouts/:checkoutId', () => {
  it('shows the tenant its own, and another tenant’s is not there', async () => {
    const [owner, other] = [await signUp(api), await signUp(api)];
    await owner.post('/billing/checkout', {});
    const [row] = await checkouts(owner);
    const path = `/billing/checkouts/${row!.id as string}`;
    const mine = await owner.get(path);
    expect([mine.status, mine.body]).toEqual([
      200,
      {
        checkoutId: row!.id,
        status: 'open',
        createdAt: expect.any(String),
        expiresAt: null,
        closedAt: null,
      },
    ]);
    const withoutId = ({ body: { requestId: _id, ...body } }: Reply) => body;
    const foreign = await other.get(path);
    const nowhere = await other.get('/billing/checkouts/chk_00000000000000000000000000');
    expect([foreign.status, withoutId(foreign)]).toEqual([404, withoutId(nowhere)]);
  });
});
