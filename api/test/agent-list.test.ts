import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { signUp } from './support/callers.ts';
import type { Json, TestMember } from './support/callers.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
});
afterAll(() => api.close());

const register = async (member: TestMember, name: string): Promise<string> =>
  (await member.post('/agents', { name })).body.agentId as string;

const namesOf = (body: Json): string[] => (body.data as Json[]).map(({ name }) => name as string);

const encode = (values: unknown): string => Buffer.from(JSON.stringify(values)).toString('base64url');

/** As a person sorts them, not by their bytes. */
const names = ['a b', 'Ábel', 'abel', 'Abel', 'B', 'b"\\', 'ü', 'z', '日本', 'x'.repeat(128)].sort(
  new Intl.Collator('und').compare,
);

/** All names, in pages of two. What is registered meanwhile is called "later". */
const readAll = async (member: TestMember, sort: string): Promise<string[]> => {
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { status, body } = await member.get(`/agents?limit=2&sort=${sort}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    seen.push(...namesOf(body));
    cursor = body.nextCursor as string | null;
    if (seen.length % 4 === 0) await register(member, `later ${sort} ${seen.length}`);
  }
  return seen;
};

describe('the sort of GET /agents', () => {
  it('A sorted list is paged without a gap', async () => {
    const member = await signUp(api);
    const registered = ['z', ...names.filter((name) => name !== 'z').reverse()];
    for (const name of registered) await register(member, name);
    const expected = { name: names, '-name': names.toReversed(), createdAt: registered };
    for (const [sort, order] of Object.entries(expected)) {
      const seen = await readAll(member, sort);
      expect(seen.filter((name) => !name.startsWith('later'))).toEqual(order);
      expect(new Set(seen).size).toBe(seen.length);
    }
    const newest = namesOf((await member.get('/agents?limit=100')).body);
    expect(newest.filter((name) => !name.startsWith('later'))).toEqual(registered.toReversed());
    expect(namesOf((await member.get('/agents?limit=100&sort=-createdAt')).body)).toEqual(newest);
  });

  it('Agents without a token sort before all others', async () => {
    const member = await signUp(api);
    const days: Record<string, string[]> = {
      today: ['2026-11-01T08:00:00.001Z', '2026-11-28T08:00:00.123Z'],
      never: [],
      old: ['2026-01-01T23:59:59.999Z'],
      'never too': [],
      recent: ['2026-11-28T08:00:00.122Z'],
    };
    for (const [name, times] of Object.entries(days)) {
      const agentId = await register(member, name);
      for (const at of times)
        await api.sql(
          `insert into agent_usage (tenant_id, agent_id, metric, day, count, last_at)
           values ($1, $2, 'token_issuances', $3::timestamptz::date, 1, $3)`,
          [member.tenantId, agentId, at],
        );
    }
    const order = ['never', 'never too', 'old', 'recent', 'today'];
    const seen = async (sort: string) =>
      (await readAll(member, sort)).filter((name) => !name.startsWith('later'));
    expect(await seen('lastTokenAt')).toEqual(order);
    expect(await seen('-lastTokenAt')).toEqual(order.toReversed());
    const { nextCursor } = (await member.get('/agents?limit=1&sort=-lastTokenAt')).body;
    expect((await member.get(`/agents?sort=lastTokenAt&cursor=${String(nextCursor)}`)).status).toBe(400);
  });

  it.each([
    'x',
    '',
    '2026-02-31T00:00:00.000Z',
    '0000-01-01T00:00:00.000Z',
    '+010000-01-01T00:00:00.000Z',
    'infinity',
  ])('refuses a cursor with the time "%s"', async (time) => {
    const cursor = encode(['lastTokenAt', time, newId('agt')]);
    const { status, body } = await (await signUp(api)).get(`/agents?sort=lastTokenAt&cursor=${cursor}`);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });

  it('pages agents of one name', async () => {
    const member = await signUp(api);
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.push(await register(member, 'same'));
      await member.send('DELETE', `/agents/${ids[i]}`);
    }
    const first = (await member.get('/agents?sort=name&limit=1')).body;
    const rest = (await member.get(`/agents?sort=name&limit=9&cursor=${String(first.nextCursor)}`)).body;
    const found = [...(first.data as Json[]), ...(rest.data as Json[])].map(({ agentId }) => agentId);
    expect(found).toEqual(ids);
  });

  it('A cursor of another sort is refused', async () => {
    const member = await signUp(api);
    for (const name of ['a', 'b']) await register(member, name);
    const { nextCursor } = (await member.get('/agents?sort=name&limit=1')).body;
    for (const sort of ['-name', 'createdAt', '-createdAt']) {
      const { status, body } = await member.get(`/agents?sort=${sort}&cursor=${String(nextCursor)}`);
      expect([status, body.code, body.detail]).toEqual([
        400,
        'validation_failed',
        'Cursor is of another sort. Start again without a cursor, or use its sort.',
      ]);
    }
  });

  it.each([
    ['no list', encode({})],
    ['no values', encode(['name'])],
    ['a value too many', encode(['name', 'a', 'b', newId('agt')])],
    ['another kind of id', encode(['name', 'a', newId('usr')])],
    ['a number', encode(['name', 1, newId('agt')])],
    ['a NUL', encode(['name', 'a\u0000', newId('agt')])],
    ['half a surrogate pair', encode(['name', '\ud800', newId('agt')])],
    ['an unknown sort', encode(['owner', 'a', newId('agt')])],
    ['a bare id', Buffer.from(newId('agt')).toString('base64url')],
  ])('refuses a cursor with %s', async (_what, cursor) => {
    const { status, body } = await (await signUp(api)).get(`/agents?sort=name&cursor=${cursor}`);
    expect([status, body.detail]).toEqual([400, 'Cursor is not valid. Start again without a cursor.']);
  });
});

describe('the credentials of an agent', () => {
  const daysOn = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

  it('Active credentials are summarized', async () => {
    const member = await signUp(api);
    const [busy, idle, forever] = [
      await register(member, 'busy'),
      await register(member, 'idle'),
      await register(member, 'forever'),
    ];
    const add = async (agentId: string, expiresAt?: string): Promise<string> =>
      (await member.post(`/agents/${agentId}/credentials`, { expiresAt })).body.credentialId as string;
    const soon = daysOn(6);
    await add(busy);
    await add(busy, daysOn(60));
    await add(busy, soon);
    const revoked = await add(busy, daysOn(1));
    await member.send('DELETE', `/agents/${busy}/credentials/${revoked}`);
    const expired = await add(busy, daysOn(2));
    await api.sql(`update credentials set expires_at = now() - interval '1 s' where id = $1`, [expired]);
    await add(forever);
    const summaries = {
      busy: { active: 3, nextExpiresAt: soon },
      idle: { active: 0, nextExpiresAt: null },
      forever: { active: 1, nextExpiresAt: null },
    };
    const { data } = (await member.get('/agents')).body;
    expect(Object.fromEntries((data as Json[]).map(({ name, credentials }) => [name, credentials]))).toEqual(
      summaries,
    );
    expect((await member.get(`/agents/${busy}`)).body.credentials).toEqual(summaries.busy);
    const answers = [
      await member.send('PATCH', `/agents/${busy}`, { version: '2.0.0' }),
      await member.post(`/agents/${busy}/suspend`, undefined),
      await member.post(`/agents/${busy}/suspend`, undefined),
    ];
    for (const { body } of answers) expect(body.credentials).toEqual(summaries.busy);
    await member.send('DELETE', `/agents/${busy}`);
    expect((await member.get(`/agents/${busy}`)).body.credentials).toEqual(summaries.idle);
    expect((await member.get(`/agents/${idle}`)).body.credentials).toEqual(summaries.idle);
  });
});
