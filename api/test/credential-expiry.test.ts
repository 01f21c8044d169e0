import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { announceExpiry } from '../src/services/agents/announce-expiry.ts';
import { renderMail } from '../src/services/mail/render-mail.ts';
import { sendMails } from '../src/services/mail/send-mails.ts';
import type { Envelope } from '../src/services/mail/send-mails.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';

const DAY = 86_400_000;

let api: TestApi;
let owner: TestMember;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi();
  owner = await signUp(api);
  agent = await registerAgent(api, owner);
});
afterAll(() => api.close());
beforeEach(() => api.sql('delete from mails'));

const expireIn = (days: number, { credentialId } = agent) =>
  api.sql(`update credentials set expires_at = now() + make_interval(secs => $2) where id = $1`, [
    credentialId,
    days * 86_400,
  ]);

const announce = (inDays = 0) =>
  announceExpiry({ db: api.deps.db, clock: () => new Date(Date.now() + inDays * DAY) }, '');

const mails = () => api.sql(`select recipient, data->>'daysLeft' as days, key from mails order by id`);

describe('the end of a credential', () => {
  it('Expiry is announced three times', async () => {
    await expireIn(40);
    for (let day = 0; day <= 39; day++) {
      // Credentials that have ended by the clock of the test have not by the database's: only now is asked there.
      await announce(day);
      await announce(day);
    }
    expect((await mails()).map(({ days }) => days)).toEqual(['30', '7', '1']);
    expect(new Set((await mails()).map(({ recipient }) => recipient))).toEqual(new Set([owner.email]));
  });

  it('is announced to the owners alone, and not to another tenant', async () => {
    const other = await signUp(api);
    const second = await signUp(api);
    await api.sql(
      `insert into members (id, tenant_id, user_id, role, created_at) values
         ('mem_owner2', $1, $2, 'owner', now()), ('mem_plain', $1, $3, 'member', now())`,
      [owner.tenantId, second.userId, other.userId],
    );
    await expireIn(5);
    expect((await announce()).queued).toBe(2);
    expect((await mails()).map(({ recipient }) => recipient).sort()).toEqual(
      [owner.email, second.email].sort(),
    );
    await api.sql(`delete from members where id in ('mem_owner2', 'mem_plain')`);
  });

  it('is announced once by two at once', async () => {
    await expireIn(5);
    const pages = await Promise.all([announce(), announce(), announce()]);
    expect(pages.reduce((sum, { queued }) => sum + queued, 0)).toBe(1);
  });

  it('is announced anew when it moves', async () => {
    await expireIn(5);
    await announce();
    await expireIn(6);
    await announce();
    expect(await mails()).toHaveLength(2);
  });

  it.each([
    ['revoked', `update credentials set revoked_at = now() where id = $1`],
    ['ended', `update credentials set expires_at = now() - interval '1 minute' where id = $1`],
    [
      'of a suspended agent',
      `update agents set status = 'suspended' where id = (select agent_id from credentials where id = $1)`,
    ],
  ])('is not announced of one that is %s', async (_what, sql) => {
    const mine = await registerAgent(api, owner);
    await expireIn(40);
    await expireIn(5, mine);
    await api.sql(sql, [mine.credentialId]);
    expect((await announce()).queued).toBe(0);
  });
});

describe('queued mails', () => {
  const sent: Envelope[] = [];
  const deps = (deliver: (envelope: Envelope) => Promise<void>) => ({
    db: api.deps.db,
    logger: api.deps.logger,
    config: { DASHBOARD_URL },
    deliver,
  });
  const take = async (envelope: Envelope): Promise<void> => void sent.push(envelope);
  beforeEach(async () => {
    sent.length = 0;
    await expireIn(5);
    await announce();
  });

  it('are sent once, by whichever of several senders', async () => {
    await Promise.all([sendMails(deps(take)), sendMails(deps(take)), sendMails(deps(take))]);
    await sendMails(deps(take));
    expect(sent).toMatchObject([{ to: owner.email, subject: expect.stringContaining('expires in 7 days') }]);
    expect(await api.sql('select attempts, sent_at is not null as sent from mails')).toEqual([
      { attempts: 1, sent: true },
    ]);
  });

  it('A mail that could not be sent is tried again, with the same Message-ID', async () => {
    const ids: string[] = [];
    const refuse = async ({ messageId }: Envelope): Promise<void> => {
      ids.push(messageId);
      throw new Error('away');
    };
    await sendMails(deps(refuse));
    await sendMails(deps(take));
    expect(sent).toEqual([]);
    await api.sql('update mails set next_attempt_at = now()');
    await sendMails(deps(take));
    expect(sent.map(({ messageId }) => messageId)).toEqual(ids);
  });
});

it('a mail shows names as text, and no name begins another header', () => {
  const data = {
    agentId: 'agt_1',
    agentName: '<script>alert(1)</script>\r\nBcc: x@example.com',
    credentialId: 'crd_1',
    expiresAt: '2026-12-24T10:00:00.000Z',
    daysLeft: 1,
  };
  const { subject, text, html } = renderMail('credential_expiry', data, DASHBOARD_URL);
  expect(subject).not.toMatch(/[\r\n]/);
  expect(html).not.toContain('<script>');
  expect(text).toContain('2026-12-24 (UTC)');
  expect(html).toContain(`href="${DASHBOARD_URL}/agents"`);
});
