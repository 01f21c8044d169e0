import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, post, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { TestMember } from './support/callers.ts';
import { createDatabaseWithClock } from './support/database-clock.ts';
import { dropTestDatabase } from './support/servers.ts';

/** What the API takes for now: it stands still unless a test moves it. */
let now = Date.now();
const clock = (): Date => new Date(now);

let api: TestApi;
let member: TestMember;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' }, clock });
  member = await signUp(api);
});
afterAll(() => api.close());

const ask = async (clientId: string, secret: unknown): Promise<number> =>
  (await requestToken(api, basic(clientId, secret as string), { grant_type: 'client_credentials' })).status;

/** Whether it still holds in the last millisecond, and at the end itself. */
const atItsEnd = async (end: number, isHeld: () => Promise<boolean>): Promise<boolean[]> => {
  const held: boolean[] = [];
  for (const at of [end - 1, end]) {
    now = at;
    held.push(await isHeld());
  }
  return held;
};

describe('What ends at a moment has ended in it', () => {
  it('the overlap of two secrets', async () => {
    const { agentId, credentialId, clientSecret } = await registerAgent(api, member);
    const path = `/agents/${agentId}/credentials/${credentialId}/rotate`;
    const { body } = await member.post(path, { overlapSeconds: 60 });
    const end = now + 60_000;
    expect(await atItsEnd(end, async () => (await ask(agentId, clientSecret)) === 200)).toEqual([
      true,
      false,
    ]);
    expect(await ask(agentId, body.clientSecret)).toBe(200);
  });

  it('a credential', async () => {
    const { agentId } = await registerAgent(api, member);
    const end = now + 60_000;
    const expiresAt = new Date(end).toISOString();
    const { body } = await member.post(`/agents/${agentId}/credentials`, { expiresAt });
    expect(await atItsEnd(end, async () => (await ask(agentId, body.clientSecret)) === 200)).toEqual([
      true,
      false,
    ]);
    const rotate = `/agents/${agentId}/credentials/${body.credentialId as string}/rotate`;
    const late = await member.post(rotate, {});
    expect([late.status, late.body.code]).toEqual([409, 'credential_ended']);
  });

  it('the answer with a secret that is kept for a key, by the clock of Postgres', async () => {
    const start = Date.now();
    const postgres = await createDatabaseWithClock(new Date(start).toISOString());
    const own = await startApi({ database: postgres.database });
    const owner = await signUp(own);
    const { agentId } = await registerAgent(own, owner);
    const create = () =>
      owner.send('POST', `/agents/${agentId}/credentials`, {}, { 'idempotency-key': 'exact' });
    const createAt = async (at: number) => {
      await postgres.set(new Date(at).toISOString());
      return (await create()).status;
    };
    const end = start + 600_000;
    expect([await createAt(start), await createAt(end - 1), await createAt(end)]).toEqual([201, 201, 409]);
    await own.close();
    await dropTestDatabase(postgres.database);
  });

  it('an access token, though it was accepted a moment before', async () => {
    const agent = await registerAgent(api, member);
    const token = await agent.token();
    const { exp } = decodeJwt(token);
    const headers = { authorization: `Bearer ${token}` };
    const isTaken = async () => (await call(api, '/agents', { headers })).status === 200;
    expect(await atItsEnd(exp! * 1_000, isTaken)).toEqual([true, false]);
  });

  it('what a token may grant, whose credential or secret ends then', async () => {
    const grants = (token: string) => async () => {
      const body = { name: `granted at ${now}`, scopes: ['agents:read'] };
      return (await post(api, '/agents', body, { authorization: `Bearer ${token}` })).status === 201;
    };
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
    const credentials = `/agents/${agent.agentId}/credentials`;
    const old = await agent.token();
    await member.post(`${credentials}/${agent.credentialId}/rotate`, { overlapSeconds: 60 });
    expect(await atItsEnd(now + 60_000, grants(old))).toEqual([true, false]);

    const end = now + 60_000;
    const { body } = await member.post(credentials, { expiresAt: new Date(end).toISOString() });
    const form = { grant_type: 'client_credentials' };
    const reply = await requestToken(api, basic(agent.agentId, body.clientSecret as string), form);
    expect(await atItsEnd(end, grants(reply.body.access_token as string))).toEqual([true, false]);
  });

  it('a new credential does not begin as one that has ended', async () => {
    const { agentId } = await registerAgent(api, member);
    const make = async (at: number) =>
      (await member.post(`/agents/${agentId}/credentials`, { expiresAt: new Date(at).toISOString() })).status;
    expect([await make(now), await make(now + 1)]).toEqual([400, 201]);
  });
});

it('What ended of a credential is stored no more', async () => {
  const { agentId, credentialId } = await registerAgent(api, member);
  const path = `/agents/${agentId}/credentials/${credentialId}`;
  await member.post(`${path}/rotate`, { overlapSeconds: 600 });
  const stored = () =>
    api.sql('select previous_hash, previous_pepper_id, previous_until from credentials where id = $1', [
      credentialId,
    ]);
  expect((await stored())[0]!.previous_hash).toEqual(expect.any(Buffer));
  await member.send('DELETE', path);
  const nothing = { previous_hash: null, previous_pepper_id: null, previous_until: null };
  expect(await stored()).toEqual([nothing]);
});
