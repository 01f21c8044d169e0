import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseCookies } from 'better-auth/cookies';
import { newId, timeOfId } from './ids.ts';
import { sessionCookieName } from './people.ts';

const LIFE_SECONDS = 180 * 24 * 3_600;

export interface DeviceCookieSettings {
  AUTH_SECRET: string;
  DASHBOARD_URL: string;
}

/** https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies */
export interface DeviceCookies {
  /** The id of the browser, where it has signed in to this account before, within the cookie's life. */
  read(account: string, cookies: string | undefined): string | undefined;
  /** The `Set-Cookie` line by which a browser that has just signed in is known again. */
  issue(account: string, known: string | undefined): string;
}

/** A cookie of one account and browser. It lets nobody in: it tells the owner's browser from strangers. */
export const createDeviceCookies = ({ AUTH_SECRET, DASHBOARD_URL }: DeviceCookieSettings): DeviceCookies => {
  const name = `${sessionCookieName(DASHBOARD_URL)}-device`;
  const flags = `Path=/; HttpOnly; ${DASHBOARD_URL.startsWith('https:') ? 'Secure; ' : ''}SameSite=Lax`;
  const sign = (account: string, id: string): Buffer =>
    createHmac('sha256', AUTH_SECRET).update(`device cookie\n${id}\n${account}`).digest();
  return {
    read: (account, cookies = '') => {
      const [id = '', signature = ''] = parseCookies(cookies).get(name)?.split('.') ?? [];
      const [given, expected] = [Buffer.from(signature, 'base64url'), sign(account, id)];
      const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
      return isOurs && Date.now() - timeOfId(id) < LIFE_SECONDS * 1_000 ? id : undefined;
    },
    issue: (account, known) => {
      const id = known ?? newId('dev');
      const value = `${id}.${sign(account, id).toString('base64url')}`;
      return `${name}=${value}; Max-Age=${LIFE_SECONDS}; ${flags}`;
    },
  };
};
