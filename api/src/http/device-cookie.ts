import { createHmac, timingSafeEqual } from 'node:crypto';
import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { parseCookies } from 'better-auth/cookies';
import { newId, timeOfId } from '../platform/ids.ts';
import { sessionCookieName } from '../platform/people.ts';

const LIFE_SECONDS = 180 * DAY_SECONDS;

/** The maximum number of accounts in the cookie, about 600 bytes. More than one, because users can share a browser. */
const MAX_ACCOUNTS = 8;

/** A random id and its HMAC. */
const MARK = /^(dev_[0-9a-z]{26})\.([\w-]{43})$/;

export interface DeviceCookieSettings {
  AUTH_SECRET: string;
  DASHBOARD_URL: string;
}

/** https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies */
export interface DeviceCookies {
  /** The id of the browser, if it has signed in to this account before and the mark has not expired. */
  read(account: string, cookies: string | undefined): string | undefined;
  /** The `Set-Cookie` line that marks a browser that has just signed in. Earlier marks stay valid. */
  issue(account: string, cookies: string | undefined): string;
}

/**
 * A cookie of one browser, with a mark for each of the last accounts that signed in there. It grants no access. It only
 * separates known browsers from unknown ones.
 */
export const createDeviceCookies = ({ AUTH_SECRET, DASHBOARD_URL }: DeviceCookieSettings): DeviceCookies => {
  const name = `${sessionCookieName(DASHBOARD_URL)}-device`;
  const flags = `Path=/; HttpOnly; ${DASHBOARD_URL.startsWith('https:') ? 'Secure; ' : ''}SameSite=Lax`;
  const sign = (account: string, id: string): Buffer =>
    createHmac('sha256', AUTH_SECRET).update(`device cookie\n${id}\n${account}`).digest();
  /** The marks of all accounts, newest last, without expired ones. */
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
