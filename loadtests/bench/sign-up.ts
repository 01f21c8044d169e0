import { randomBytes } from 'node:crypto';
import { createClient, type Client as Api } from '@sentryagent/sdk';
import { cookiesOf } from '../../dev/src/cookies.ts';
import { DASHBOARD_URL } from './api.ts';

export interface SignedUp {
  /** The API, as this user. */
  api: Api;
  cookie: string;
  tenantId: string;
}

/** Signs up a user from a separate address, because sign-ups are limited by address. */
export const signUp = async (baseUrl: string, index: number): Promise<SignedUp> => {
  const address = `10.0.${index >> 8}.${index & 255}`;
  const headers = { origin: DASHBOARD_URL, 'x-forwarded-for': address };
  let cookie = '';
  const onResponse = (response: Response): void => {
    cookie = cookiesOf(response);
  };
  const password = randomBytes(12).toString('base64url');
  const person = { email: `bench-${index}@example.com`, password, name: 'Bench' };
  await createClient({ baseUrl, headers, onResponse }).auth.signUp(person);
  const api = createClient({ baseUrl, headers: { ...headers, cookie } });
  const { tenant } = await api.auth.session();
  return { api, cookie, tenantId: tenant.id };
};
