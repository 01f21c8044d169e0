import type { MailKind } from '../mail/kinds.ts';

/**
 * Parts of a statement: makes a change that returns `user_id`, and queues the mail about it. `$1` is the id of the mail.
 * An unconfirmed address can belong to somebody else and gets none.
 */
export const withNotice = (kind: MailKind, change: string): string => `
  changed as (${change}), notice as (
    insert into mails (id, kind, key, recipient, data)
    select $1, '${kind}', $1, email, '{}' from users join changed on users.id = changed.user_id
    where email_verified
  )`;
