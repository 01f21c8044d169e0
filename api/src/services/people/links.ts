import { createHash, randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { newId } from '../../platform/ids.ts';
import type { Keyring } from '../../platform/keyring.ts';
import { Problem } from '../../platform/problem.ts';
import { sealData } from '../mail/sealed-data.ts';

export interface LinkDeps {
  peoplePool: Pool;
  clock: Clock;
  config: { KEY_ENCRYPTION_KEYS: Keyring };
}

/** The links that we mail. Each kind has its own index in the database, by this prefix. */
export type LinkKind = 'email-verification' | 'password-reset' | 'email-change';

/** Mails of one kind per user and UTC day. Each has its own key, so the unique index of `mails` enforces the limit. */
const MOST_A_DAY = 10;

/** 192 random bits. It is in hex, because mail clients can cut a trailing `-` or `_` from a link. */
const newToken = (): string => randomBytes(24).toString('hex');

/** The hash of a link's token. Only the mail has the token. */
export const identifierOf = (kind: LinkKind, token: string): string =>
  `${kind}:${createHash('sha256').update(token).digest('base64url')}`;

/** The keys of the mails that a user can get on this day. */
export const mailKeys = (user: string, now: Date): string[] => {
  const day = now.toISOString().slice(0, 10);
  return Array.from({ length: MOST_A_DAY }, (_, number) => `${user} ${day} ${number}`);
};

interface NewLink {
  kind: LinkKind;
  /** Whose mails of the day are counted. */
  user: string;
  lifetimeMs: number;
  /** What the mail needs besides the token. */
  data?: object;
}

/**
 * The first parameters of the statement that queues a mail with a new link: the keys of the day, the id and the data of
 * the mail, and the id, the identifier and the expiry of the link.
 */
export const newLink = (
  { clock, config }: LinkDeps,
  { kind, user, lifetimeMs, data }: NewLink,
): unknown[] => {
  const now = clock();
  const token = newToken();
  const mailId = newId('mai');
  return [
    mailKeys(user, now),
    mailId,
    sealData(config.KEY_ENCRYPTION_KEYS, mailId, { token, ...data }),
    newId('ver'),
    identifierOf(kind, token),
    new Date(now.getTime() + lifetimeMs),
  ];
};

/** The same for a wrong, used or expired link. `what`: how long it lives, and what to do next. */
export const invalidLink = (what: string): Problem =>
  new Problem('invalid_link', `This link no longer works. A link works once and expires after ${what}`);
