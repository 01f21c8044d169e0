import { createHash, randomBytes } from 'node:crypto';

/** The links that we mail. Each kind has its own index in the database, by this prefix. */
export type LinkKind = 'email-verification' | 'password-reset' | 'email-change';

/** Mails of one kind per user and UTC day. Each has its own key, so the unique index of `mails` enforces the limit. */
const MOST_A_DAY = 10;

/** 192 random bits. It is in hex, because mail clients can cut a trailing `-` or `_` from a link. */
export const newToken = (): string => randomBytes(24).toString('hex');

/** The hash of a link's token. Only the mail has the token. */
export const identifierOf = (kind: LinkKind, token: string): string =>
  `${kind}:${createHash('sha256').update(token).digest('base64url')}`;

/** The keys of the mails that a user can get on this day. */
export const mailKeys = (user: string, now: Date): string[] => {
  const day = now.toISOString().slice(0, 10);
  return Array.from({ length: MOST_A_DAY }, (_, number) => `${user} ${day} ${number}`);
};
