import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../src/platform/database.ts';
import { createSecretAuthentication } from '../src/services/clients/authenticate-secret.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, registerAgent, requestToken, signUp } from './support/callers.ts';
import type { Json, Reply, TestAgent, TestMember } from './support/callers.ts';
import { adminUrl } from './support/servers.ts';
import { until } from '../../dev/test/support/until.ts';

/** How far the clock of the first process is ahead. */
let ahead = 0;
const clock = () => new Date(Date.now() + ahead);

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  api = await startApi({ env, clock });
  second = await startApi({ env, database: api.database, clock });
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const pathOf = ({ agentId, credentialId }: Pick<TestAgent, 'agentId' | 'credentialId'>): string =>
  `/agents/${agentId}/credentials/${credentialId}`;

const tokenWith = (agentId: string, secret: unknown, process: TestApi = api): Promise<Reply> =>
  requestToken(process, basic(agentId, secret as string), { grant_type: 'client_credentials' });

/** What each of these secrets is answered at both processes. */
const statuses = async (agentId: string, ...secrets: unknown[]): Promise<number[]> => {
  const answers: number[] = [];
  for (const secret of secrets) {
    const both = await Promise.all([tokenWith(agentId, secret), tokenWith(agentId, secret, second)]);
    expect(both[0].status).toBe(both[1].status);
    answers.push(both[0].status);
  }
  return answers;
};

const listOf = async (member: TestMember, agentId: string): Promise<Json[]> =>
  (await member.get(`/agents/${agentId}/credentials`)).body.data as Json[];

const fresh = async (): Promise<{ member: TestMember; agent: TestAgent }> => {
  const member = await signUp(api);
  return { member, agent: await registerAgent(api, member) };
};

describe('a client secret', () => {
  it('A client secret is shown once', async () => {
    const { member, agent } = await fresh();
    const expiresAt = '2999-01-01T00:00:00.000Z';
    const path = `/agents/${agent.agentId}/credentials`;
    const made = await member.post(path, { name: 'CI', expiresAt });
    expect(made.status).toBe(201);
    const { clientId, clientSecret, ...shown } = made.body;
    expect([clientId, clientSecret]).toEqual([agent.agentId, expect.stringMatching(/^sa_/)]);
    expect(shown).toEqual({
      credentialId: expect.stringMatching(/^crd_/),
      kind: 'secret',
      thumbprint: null,
      name: 'CI',
      createdAt: expect.any(String),
      expiresAt,
      lastUsedAt: null,
      revokedAt: null,
      overlapUntil: null,
    });
    const listed = await member.get(path);
    expect(listed.body).toEqual({
      data: [shown, expect.objectContaining({ credentialId: agent.credentialId, name: null })],
      nextCursor: null,
    });
    expect(listed.text).not.toMatch(/sa_|hash|pepper/i);
  });

  it('A database dump holds no secret', async () => {
    const { member, agent } = await fresh();
    const rotated = await member.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 60 });
    const { d } = api.deps.signingKeys.current.privateKey.export({ format: 'jwk' });
    const made = [agent.clientSecret, rotated.body.clientSecret as string, await agent.token(), d!];
    // The 43 random characters of a client secret stand after its credential.
    const secrets = made.flatMap((secret) => [
      secret,
      secret.startsWith('sa_') ? secret.slice(30, 73) : secret,
    ]);
    const tables = await api.sql(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    let dump = JSON.stringify(api.logs);
    for (const { name } of tables) {
      const [row] = await api.sql(
        `select coalesce(string_agg(t::text, E'\n'), '') as text from ${String(name)} t`,
      );
      dump += row!.text as string;
    }
    expect(dump).toContain(agent.agentId);
    for (const secret of secrets) {
      const digest = createHash('sha256').update(secret).digest('hex');
      for (const form of [secret, Buffer.from(secret).toString('hex'), digest]) {
        expect(dump).not.toContain(form);
      }
    }
  });

  it('A mistyped secret costs no query', async () => {
    const { agent } = await fresh();
    const asked: string[] = [];
    const db = {
      acrossTenants: () => {
        asked.push('asked');
        return Promise.reject(new Error('asked'));
      },
    } as unknown as Database;
    const authenticate = createSecretAuthentication(db, api.deps.peppers, clock);
    const { clientSecret: secret } = agent;
    for (let i = 0; i < secret.length; i++) {
      const typo = `${secret.slice(0, i)}${secret[i] === 'a' ? 'b' : 'a'}${secret.slice(i + 1)}`;
      await expect(authenticate(agent.agentId, typo)).rejects.toThrow('client secret is wrong');
    }
    expect(asked).toEqual([]);
    await expect(authenticate(agent.agentId, secret)).rejects.toThrow('asked');
    const typo = `${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`;
    const reply = await tokenWith(agent.agentId, typo);
    expect([reply.status, reply.body.error]).toEqual([401, 'invalid_client']);
  });

  it.each([
    ['an end in the past', { expiresAt: '2001-01-01T00:00:00Z' }],
    ['an end that is no time', { expiresAt: 'tomorrow' }],
    ['a number', { expiresAt: 5 }],
    ['a secret of the caller’s', { clientSecret: 'x' }],
    ['a long name', { name: 'x'.repeat(129) }],
  ])('is not made with %s', async (_what, body) => {
    const { member, agent } = await fresh();
    const reply = await member.post(`/agents/${agent.agentId}/credentials`, body);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    expect(await listOf(member, agent.agentId)).toHaveLength(1);
  });

  it('The eleventh credential is refused, however many ask at once', async () => {
    const { member, agent } = await fresh();
    const path = `/agents/${agent.agentId}/credentials`;
    const replies = await Promise.all(Array.from({ length: 14 }, () => member.post(path, {})));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(9);
    const refused = replies.filter(({ status }) => status !== 201);
    for (const { status, body } of refused) {
      expect([status, body.code]).toEqual([409, 'credential_limit']);
      expect(body.detail).toContain('Revoke one');
    }
    await member.send('DELETE', pathOf(agent));
    expect((await member.post(path, {})).status).toBe(201);
    await api.sql(`update credentials set expires_at = now() where id = (
      select id from credentials where agent_id = '${agent.agentId}' and revoked_at is null limit 1)`);
    expect((await member.post(path, {})).status).toBe(201);
    expect((await member.post(path, {})).status).toBe(409);
  });
});

describe('a rotation', () => {
  it('Rotation ends the old secret at once', async () => {
    const { member, agent } = await fresh();
    expect(await statuses(agent.agentId, agent.clientSecret)).toEqual([200]);
    const rotated = await member.post(`${pathOf(agent)}/rotate`, {});
    expect(rotated.status).toBe(200);
    expect(rotated.body).toMatchObject({ credentialId: agent.credentialId, overlapUntil: null });
    const { clientSecret } = rotated.body;
    expect(await statuses(agent.agentId, clientSecret, agent.clientSecret, clientSecret)).toEqual([
      200, 401, 200,
    ]);
  });

  it('Both secrets work during the overlap', async () => {
    const { member, agent } = await fresh();
    const { body } = await member.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 3_600 });
    const rotatedAt = clock().getTime();
    expect(Date.parse(body.overlapUntil as string) - rotatedAt).toBeGreaterThan(3_590_000);
    const both = () => statuses(agent.agentId, agent.clientSecret, body.clientSecret);
    expect(await both()).toEqual([200, 200]);
    ahead += 3_580_000;
    expect(await both()).toEqual([200, 200]);
    ahead += 20_000;
    expect(await both()).toEqual([401, 200]);
    expect((await listOf(member, agent.agentId))[0]).toMatchObject({ overlapUntil: null });
  });

  it('keeps the overlap in the database too: the commit of a token looks at its clock', async () => {
    const { member, agent } = await fresh();
    const { body } = await member.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 60 });
    expect(await statuses(agent.agentId, agent.clientSecret)).toEqual([200]);
    await api.sql('update credentials set previous_until = now() where id = $1', [agent.credentialId]);
    expect(await statuses(agent.agentId, agent.clientSecret, body.clientSecret)).toEqual([401, 200]);
  });

  it('An overlap is ended early', async () => {
    const { member, agent } = await fresh();
    const { body } = await member.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 604_800 });
    expect(await statuses(agent.agentId, agent.clientSecret, body.clientSecret)).toEqual([200, 200]);
    expect((await member.send('DELETE', `${pathOf(agent)}/previous`)).status).toBe(204);
    expect(await statuses(agent.agentId, agent.clientSecret, body.clientSecret)).toEqual([401, 200]);
  });

  it('Rotating during an overlap leaves the newest two secrets', async () => {
    const { member, agent } = await fresh();
    const secrets: unknown[] = [agent.clientSecret];
    for (let i = 0; i < 2; i++) {
      const { body } = await member.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 60 });
      secrets.push(body.clientSecret);
    }
    expect(await statuses(agent.agentId, ...secrets)).toEqual([401, 200, 200]);
  });

  it('Parallel rotations leave one secret: that of the last', async () => {
    const { member, agent } = await fresh();
    const replies = await Promise.all(
      Array.from({ length: 5 }, () => member.post(`${pathOf(agent)}/rotate`, {})),
    );
    const answers = await statuses(agent.agentId, ...replies.map(({ body }) => body.clientSecret));
    expect(answers.sort()).toEqual([200, 401, 401, 401, 401]);
  });

  it.each([{ overlapSeconds: -1 }, { overlapSeconds: 604_801 }, { overlapSeconds: 1.5 }, { secret: 'x' }])(
    'is refused with %j',
    async (body) => {
      const { member, agent } = await fresh();
      expect((await member.post(`${pathOf(agent)}/rotate`, body)).status).toBe(400);
      expect((await agent.requestToken()).status).toBe(200);
    },
  );

  it('An agent rotates its own secret', async () => {
    const { member, agent } = await fresh();
    const other = await registerAgent(api, member);
    const rotated = await agent.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 60 });
    expect(rotated.status).toBe(200);
    expect((await agent.send('DELETE', `${pathOf(agent)}/previous`)).status).toBe(204);
    expect(await statuses(agent.agentId, agent.clientSecret, rotated.body.clientSecret)).toEqual([401, 200]);
    const replies = [
      await agent.post(`${pathOf(other)}/rotate`, {}),
      await agent.send('DELETE', `${pathOf(other)}/previous`),
      await agent.send('DELETE', pathOf(agent)),
      await agent.post(`/agents/${agent.agentId}/credentials`, {}),
    ];
    expect(replies.map(({ status, body }) => [status, body.code])).toEqual(
      replies.map(() => [403, 'forbidden']),
    );
    expect((await other.requestToken()).status).toBe(200);
  });

  it('An agent gets no secret of a stronger one', async () => {
    const member = await signUp(api);
    const strong = await registerAgent(api, member, ['agents:read', 'trust:write']);
    const weak = await registerAgent(api, member, ['audit:read']);
    const agent = await registerAgent(api, member, ['agents:read', 'agents:write', 'audit:read']);
    const ask = async ({ agentId, credentialId }: TestAgent): Promise<number[]> => [
      (await agent.post(`/agents/${agentId}/credentials`, {})).status,
      (await agent.post(`${pathOf({ agentId, credentialId })}/rotate`, {})).status,
    ];
    expect(await ask(strong)).toEqual([403, 403]);
    expect(await ask(weak)).toEqual([201, 200]);
    expect(await listOf(member, strong.agentId)).toHaveLength(1);
    expect((await strong.requestToken()).status).toBe(200);
  });
});

describe('the end of a credential', () => {
  it('A revoked secret gets no token', async () => {
    const { member, agent } = await fresh();
    const { body } = await member.post(`${pathOf(agent)}/rotate`, { overlapSeconds: 60 });
    expect(await statuses(agent.agentId, agent.clientSecret, body.clientSecret)).toEqual([200, 200]);
    expect((await member.send('DELETE', pathOf(agent))).status).toBe(204);
    expect(await statuses(agent.agentId, agent.clientSecret, body.clientSecret)).toEqual([401, 401]);
    expect((await listOf(member, agent.agentId))[0]).toMatchObject({
      revokedAt: expect.any(String),
      overlapUntil: null,
    });
    const again = await member.post(`${pathOf(agent)}/rotate`, {});
    expect([again.status, again.body.code]).toEqual([409, 'credential_ended']);
  });

  it('An expired credential says so, to who holds its secret alone', async () => {
    const { member, agent } = await fresh();
    const path = `/agents/${agent.agentId}/credentials`;
    const expiresAt = new Date(clock().getTime() + 60_000);
    const { body } = await member.post(path, { expiresAt: expiresAt.toISOString() });
    expect(await statuses(agent.agentId, body.clientSecret)).toEqual([200]);
    ahead += 60_000;
    const day = expiresAt.toISOString().slice(0, 10);
    for (const process of [api, second]) {
      const told = await tokenWith(agent.agentId, body.clientSecret, process);
      expect([told.status, told.body.error]).toEqual([401, 'invalid_client']);
      expect(told.body.error_description).toContain(`expired on ${day}`);
    }
    const rotated = await member.post(`${path}/${String(body.credentialId)}/rotate`, {});
    expect([rotated.status, rotated.body.code]).toEqual([409, 'credential_ended']);

    const [prefix, credential] = agent.clientSecret.split('_');
    expect(prefix).toBe('sa');
    const unknown = await tokenWith(agent.agentId, agent.clientSecret.replace(credential!, '0'.repeat(26)));
    await member.send('POST', `/agents/${agent.agentId}/suspend`);
    const suspended = await tokenWith(agent.agentId, body.clientSecret);
    expect(suspended.text).toBe(unknown.text);
  });

  it('is of no other agent, tenant or kind: all answer like one that was never there', async () => {
    const [{ member, agent }, { agent: foreign }] = [await fresh(), await fresh()];
    const sibling = await registerAgent(api, member);
    const nowhere = [
      { agentId: agent.agentId, credentialId: 'crd_00000000000000000000000000' },
      { agentId: agent.agentId, credentialId: sibling.credentialId },
      { agentId: agent.agentId, credentialId: foreign.credentialId },
      { agentId: foreign.agentId, credentialId: foreign.credentialId },
      { agentId: agent.agentId, credentialId: 'crd_%00' },
    ];
    const answers = new Set<string>();
    for (const place of nowhere) {
      for (const reply of [
        await member.post(`${pathOf(place)}/rotate`, {}),
        await member.send('DELETE', `${pathOf(place)}/previous`),
        await member.send('DELETE', pathOf(place)),
      ]) {
        const { requestId: _id, ...body } = reply.body;
        answers.add(JSON.stringify([reply.status, body]));
      }
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain('404');
    for (const one of [agent, sibling, foreign]) expect((await one.requestToken()).status).toBe(200);
  });
});

describe('lastUsedAt', () => {
  const lastUse = async (member: TestMember, agent: TestAgent): Promise<number> =>
    Date.parse((await listOf(member, agent.agentId))[0]!.lastUsedAt as string);

  it('The last use is shown', async () => {
    const { member, agent } = await fresh();
    const before = clock().getTime();
    await agent.requestToken();
    await api.deps.credentialUses.flush();
    const first = await lastUse(member, agent);
    expect(first).toBeGreaterThanOrEqual(before);
    expect(first).toBeLessThanOrEqual(clock().getTime());

    ahead += 30_000;
    for (const process of [api, second]) {
      await agent.requestToken({}, process);
      await process.deps.credentialUses.flush();
    }
    expect(await lastUse(member, agent)).toBe(first);
    ahead += 30_000;
    await agent.requestToken();
    await api.deps.credentialUses.flush();
    expect(await lastUse(member, agent)).toBeGreaterThanOrEqual(first + 60_000);
  });

  it('is written by itself, and no token waits for a row that somebody holds', async () => {
    const { member, agent } = await fresh();
    const holder = new pg.Client(adminUrl(api.database));
    await holder.connect();
    await holder.query('begin');
    await holder.query('select 1 from credentials where id = $1 for update', [agent.credentialId]);
    expect((await agent.requestToken()).status).toBe(200);
    // One that waited for the row would be ended by Postgres after two seconds, and reject.
    await api.deps.credentialUses.flush();
    expect((await agent.requestToken()).status).toBe(200);
    await holder.query('rollback');
    await holder.end();
    expect(await lastUse(member, agent)).toBeNaN();
    ahead += 60_000;
    await agent.requestToken();
    await until('the use is written', async () => !Number.isNaN(await lastUse(member, agent)));
  });

  it('is not of a token that was refused', async () => {
    const { member, agent } = await fresh();
    await agent.requestToken({ scope: 'billing:write' });
    await tokenWith(agent.agentId, `${agent.clientSecret.slice(0, -1)}x`);
    await api.deps.credentialUses.flush();
    expect(await lastUse(member, agent)).toBeNaN();
  });
});
