import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, post, registerAgent, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';

describe('behind a proxy', () => {
  let api: TestApi;
  let member: TestMember;
  beforeAll(async () => {
    api = await startApi({
      env: { RATE_LIMIT_MAX_REQUESTS: '1000000', TRUSTED_PROXIES: 'loopback,10.0.0.0/8' },
    });
    member = await signUp(api);
  });
  afterAll(() => api.close());

  it.each([
    ['203.0.113.8:40001', '203.0.113.8'],
    ['[2001:0DB8::5]:40001', '2001:db8::5'],
    ['::ffff:203.0.113.8', '203.0.113.8'],
    ['192.0.2.1, 203.0.113.8, 10.1.2.3:80', '203.0.113.8'],
    ['unknown', '127.0.0.1'],
    ['"><script>', '127.0.0.1'],
    ['203.0.113.8, not-an-address, 10.1.2.3', '10.1.2.3'],
    [`${'1,'.repeat(7_000)}203.0.113.8`, '203.0.113.8'],
  ])('An address has one form in the log: %s', async (forwarded, ip) => {
    const headers = { 'x-forwarded-for': forwarded };
    const reply = await member.send('POST', '/agents', { name: newId('agt') }, headers);
    expect(reply.status).toBe(201);
    const entries = await api.sql('select ip from audit_events where agent_id = $1', [reply.body.agentId]);
    expect(entries).toEqual([{ ip }]);
  });

  it('The limits by address count one host once, whatever its port and spelling', async () => {
    const signUpFrom = (forwarded: string) =>
      post(
        api,
        '/auth/sign-up',
        { email: `${newId('usr')}@example.com`, password: 'correct horse battery' },
        { 'x-forwarded-for': forwarded },
      );
    const hosts = [
      ['192.0.2.77:1', '192.0.2.77:2', '::ffff:192.0.2.77', '[::ffff:c000:24d]:3', '192.0.2.77'],
      ['2001:db8:7::1', '[2001:db8:7::2]:1', '2001:0DB8:0007:0:0::3', '2001:db8:7:0:1::', '2001:db8:7::%e0'],
    ];
    for (const spellings of hosts) {
      for (const spelling of spellings) expect((await signUpFrom(spelling)).status).toBe(200);
      expect((await signUpFrom(spellings[4]!)).status).toBe(429);
    }
  });

  it('A client that fails is kept out by its address, whatever its port', async () => {
    const { clientId } = await registerAgent(api, member);
    const fail = (port: number) =>
      call(api, '/oauth2/token', {
        method: 'POST',
        headers: { authorization: basic(clientId, 'wrong'), 'x-forwarded-for': `203.0.113.99:${port}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
    const statuses = [];
    for (let port = 1; port <= 22; port++) statuses.push((await fail(port)).status);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429]);
  });

  it('No session keeps an address: the log has it', async () => {
    const headers = { 'x-forwarded-for': '<script>' };
    const { email, password } = member;
    expect((await post(api, '/auth/sign-in', { email, password }, headers)).status).toBe(200);
    const rows = await api.sql('select distinct ip_address from sessions');
    expect(rows).toEqual([{ ip_address: expect.toBeOneOf([null, '']) }]);
  });
});
