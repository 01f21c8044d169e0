import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MailKind } from '../src/services/mail/kinds.ts';
import { sealData } from '../src/services/mail/sealed-data.ts';
import { RecipientRefused, sendMails } from '../src/services/mail/send-mails.ts';
import type { Envelope } from '../src/services/mail/send-mails.ts';
import { DASHBOARD_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';

describe('queued mails', () => {
  let api: TestApi;
  const sent: Envelope[] = [];
  beforeAll(async () => {
    api = await startApi();
    await api.sql(`insert into tenants (id, name, slug, created_at) values ('ten_1', 'One', 'one', now())`);
  });
  afterAll(() => api.close());

  const queue = (id: string, kind: MailKind, data: object) =>
    api.sql(
      `insert into mails (tenant_id, id, kind, key, recipient, data) values ('ten_1', $1, $2, $1, 'ada@example.com', $3)`,
      [id, kind, data],
    );
  const send = (deliver: (envelope: Envelope) => Promise<void>) => sendMails({ ...api.deps, deliver });
  const take = async (envelope: Envelope): Promise<void> => void sent.push(envelope);
  beforeEach(async () => {
    sent.length = 0;
    await api.sql('delete from mails');
    await queue('mai_1', 'expiring_credentials', { credentials: [], more: 3 });
  });

  it('are sent once, by whichever of several senders', async () => {
    await Promise.all([send(take), send(take), send(take)]);
    await send(take);
    expect(sent).toMatchObject([
      { to: 'ada@example.com', subject: 'Credentials of your agents expire soon' },
    ]);
    expect(await api.sql('select attempts, sent_at is not null as sent from mails')).toEqual([
      { attempts: 1, sent: true },
    ]);
  });

  it('A mail that could not be sent is tried again, with the same Message-ID', async () => {
    const ids: string[] = [];
    await send(async ({ messageId }) => {
      ids.push(messageId);
      throw new Error('away');
    });
    await send(take);
    expect(sent).toEqual([]);
    await api.sql('update mails set next_attempt_at = now()');
    await send(take);
    expect(sent.map(({ messageId }) => messageId)).toEqual(ids);
  });

  /** Tries the mail 40 times, each when it is due, and answers what has become of it. */
  const failAlways = async (failure: Error) => {
    for (let i = 0; i < 40; i++) {
      await api.sql(`update mails set next_attempt_at = now() where next_attempt_at < 'infinity'`);
      await send(() => Promise.reject(failure));
    }
    return api.sql(
      `select attempts, sent_at, next_attempt_at = 'infinity' as is_over,
         next_attempt_at between now() + interval '55 minutes' and now() + interval '1 hour' as is_hourly from mails`,
    );
  };

  it('An address that is refused for half a day is given up', async () => {
    const given = { attempts: 21, sent_at: null, is_over: true, is_hourly: false };
    expect(await failAlways(new RecipientRefused('no such mailbox'))).toEqual([given]);
  });

  it('A mail server that is away is tried for ever', async () => {
    const kept = { attempts: 40, sent_at: null, is_over: false, is_hourly: true };
    expect(await failAlways(new Error('away'))).toEqual([kept]);
  });

  it('A mail of a kind that this version does not know is given up at once', async () => {
    await api.sql('delete from mails');
    await queue('mai_9', 'credential_expiry' as MailKind, {});
    await send(take);
    expect(sent).toEqual([]);
    expect(
      await api.sql(`select attempts, next_attempt_at = 'infinity' as over, sent_at from mails`),
    ).toEqual([{ attempts: 1, over: true, sent_at: null }]);
  });

  it('A secret of a mail is sealed in its row, and opens in no other', async () => {
    const data = sealData(api.deps.config.KEY_ENCRYPTION_KEYS, 'mai_2', { token: 'a-secret-token' });
    await api.sql('delete from mails');
    await queue('mai_2', 'email_verification', data);
    await queue('mai_3', 'email_verification', data);
    expect(JSON.stringify(await api.sql('select * from mails'))).not.toContain('a-secret-token');
    await send(take);
    expect(sent).toHaveLength(1);
    expect(sent[0]!.text).toContain(`${DASHBOARD_URL}/verify-email?token=a-secret-token\n`);
    expect(await api.sql('select id, attempts from mails where sent_at is null')).toEqual([
      { id: 'mai_3', attempts: 1 },
    ]);
  });
});
