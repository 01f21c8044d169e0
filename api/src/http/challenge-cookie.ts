import { parseCookies } from 'better-auth/cookies';
import { sessionCookieName } from '../platform/people.ts';
import { CHALLENGE_SECONDS } from '../services/two-factor/sign-in-challenge.ts';

/** The cookie of a sign-in that waits for its second factor. It opens nothing by itself. */
export const createChallengeCookie = ({ DASHBOARD_URL }: { DASHBOARD_URL: string }) => {
  const name = `${sessionCookieName(DASHBOARD_URL)}-challenge`;
  const flags = `Path=/; HttpOnly; ${DASHBOARD_URL.startsWith('https:') ? 'Secure; ' : ''}SameSite=Lax`;
  const line = (value: string, seconds: number): string => `${name}=${value}; Max-Age=${seconds}; ${flags}`;
  return {
    read: (cookies = ''): string | undefined => parseCookies(cookies).get(name),
    issue: (token: string): string => line(token, CHALLENGE_SECONDS),
    clear: (): string => line('', 0),
  };
};
