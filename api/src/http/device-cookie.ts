import { createHmac, timingSafeEqual } from 'node:crypto';
import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { parseCookies } from 'better-auth/cookies';
import { newId, timeOfId } from '../platform/ids.ts';
import { sessionCookieName } from '../platform/people.ts';

const LIFE_SECONDS = 180 * DAY_SECONDS;

/** Accounts that a browser is known to, so that people who share it don't take each other's mark: 600 bytes. */
const MAX_ACCOUNTS = 8;

/** An id of ours and an HMAC of it. */
const MARK = /^(dev_[0-9a-z]{26})\.([\w-]{43})$/;

export interface DeviceCookieSettings {
  AUTH_SECRET: string;
  DASHBOARD_URL: string;
}

/** https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies */
export interface DeviceCookies {
  /** The id of the browser, where it has signed in to this account before, within the mark's life. */
  read(account: string, cookies: string | undefined): string | undefined;
  /** The `Set-Cookie` line by which a browser that has just signed in is known again; those before it stay known. */
  issue(account: string, cookies: string | undefined): string;
}

/**
 * A cookie of one browser, with a mark for each of the last accounts that signed in there. It lets nobody in: it tells
 * an owner's browser from strangers.
 */
export const createDeviceCookies = ({ AUTH_SECRET, DASHBOARD_URL }: DeviceCookieSettings): DeviceCookies => {
  const name = `${sessionCookieName(DASHBOARD_URL)}-device`;
  const flags = `Path=/; HttpOnly; ${DASHBOARD_URL.startsWith('https:') ? 'Secure; ' : ''}SameSite=Lax`;
  const sign = (account: string, id: string): Buffer =>
    createHmac('sha256', AUTH_SECRET).update(`device cookie\n${id}\n${account}`).digest();
  /** Of all accounts, newest last, without those that are too old. */
  const marksOf = (cookies = ''): string[] =>
    (parseCookies(cookies).get(name) ?? '')
      .split('~')
      .slice(-MAX_ACCOUNTS)
      .filter((mark) => {
        const [, id] = MARK.exec(mark) ?? [];
        return id !== undefined && Date.now() - timeOfId(id) < LIFE_SECONDS * 1_000;
      });
  const find = (account: string, marks: readonly string[]): string | undefined =>
    marks.find((mark) => {
      const [, id = '', signature = ''] = MARK.exec(mark) ?? [];
      return timingSafeEqual(Buffer.from(signature, 'base64url'), sign(account, id));
    });
  const create = (account: string): string => {
    const id = newId('dev');
    return `${id}.${sign(account, id).toString('base64url')}`;
  };
  return {
    read: (account, cookies) => MARK.exec(find(account, marksOf(cookies)) ?? '')?.[1],
    issue: (account, cookies) => {
      const marks = marksOf(cookies);
      const known = find(account, marks);
      const own = known ?? create(account);
      const value = [...marks.filter((mark) => mark !== known), own].slice(-MAX_ACCOUNTS).join('~');
      return `${name}=${value}; Max-Age=${LIFE_SECONDS}; ${flags}`;
    },
  };
};
