import type { Credential } from '@sentryagent/sdk';
import { DAY_MS, formatMoment, formatShortDay, formatTime } from '#lib/format/dates.ts';
import { plural } from '#lib/format/numbers.ts';

/** The first of the mails about an expiry is sent so many days before it. */
const SOON_DAYS = 30;

export const isLive = ({ revokedAt, expiresAt }: Credential, now: string): boolean =>
  revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > Date.parse(now));

/** The beginning of a secret, which is not secret, or the key's thumbprint. */
export const shownId = ({ kind, credentialId, thumbprint }: Credential): string =>
  kind === 'key' ? (thumbprint ?? credentialId) : `sa_${credentialId.replace(/^crd_/, '')}_…`;

export interface Expiry {
  words: string;
  isSoon: boolean;
}

export const expiryOf = ({ expiresAt }: Credential, now: string): Expiry => {
  if (expiresAt === null) return { words: 'Never', isSoon: false };
  const days = Math.floor((Date.parse(expiresAt) - Date.parse(now)) / DAY_MS);
  if (days >= SOON_DAYS) return { words: formatShortDay(expiresAt), isSoon: false };
  return { words: days < 1 ? 'Within a day' : `In ${days} ${plural(days, 'day')}`, isSoon: true };
};

/** When and how a credential that is not live ended. */
export const endOf = ({ revokedAt, expiresAt }: Credential): string =>
  revokedAt ? `Revoked ${formatMoment(revokedAt)}` : `Expired ${formatMoment(expiresAt ?? '')}`;

/** "14:02 UTC", with the day if it is another one. */
export const untilWords = (until: string, now: string): string =>
  until.slice(0, 10) === now.slice(0, 10) ? `${formatTime(until)} UTC` : formatMoment(until);
