import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseCookies } from 'better-auth/cookies';
import type { People } from '../../platform/people.ts';

/** better-auth's form: the session's token, and its HMAC of 32 bytes in Base64. */
const SIGNED = /^([\w-]+)\.([\w+/]{43}=)$/;

/** The token of the session in a `Cookie` header, if better-auth has signed it. Of several cookies, the first counts. */
export const readSessionToken = async (people: People, cookie: string): Promise<string | undefined> => {
  const { secret, authCookies } = await people.$context;
  const { name } = authCookies.sessionToken;
  const first = cookie.split(';').find((pair) => pair.trim().startsWith(`${name}=`)) ?? '';
  const [, token, signature] = SIGNED.exec(parseCookies(first).get(name) ?? '') ?? [];
  if (token === undefined || signature === undefined) return undefined;
  const expected = createHmac('sha256', secret).update(token).digest('base64');
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected)) ? token : undefined;
};
