import { randomBytes, randomInt } from 'node:crypto';
import { createClient } from '@sentryagent/sdk';
import type { Client } from '@sentryagent/sdk';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { PATIENCE_MS } from './browser.ts';
import type { Stack } from './stack.ts';

export interface SignedUp {
  email: string;
  password: string;
  tenantId: string;
  /** `name=value` of the session's cookie. */
  cookie: string;
  /** The API as the dashboard's server would call it for this person. */
  api: Client;
  /** Signs a browser in as this person. */
  enter(context: BrowserContext): Promise<void>;
}

/** A person who has signed up by HTTP, from an address of their own. */
export const signUpByHttp = async (
  { apiUrl, dashboardUrl }: Stack,
  email = `${randomBytes(6).toString('hex')}@example.com`,
): Promise<SignedUp> => {
  const password = 'correct horse battery';
  const headers: Record<string, string> = {
    origin: dashboardUrl,
    'x-forwarded-for': `10.${randomInt(256)}.${randomInt(256)}.1`,
  };
  let cookie = '';
  const remember = (response: Response): void => {
    const session = response.headers.getSetCookie().find((line) => line.startsWith('sentryagent='));
    if (session) cookie = session.split(';')[0] ?? '';
  };
  await createClient({ baseUrl: apiUrl, headers, onResponse: remember }).auth.signUp({ email, password });
  const api = createClient({ baseUrl: apiUrl, headers: { ...headers, cookie } });
  const { tenant } = await api.auth.session();
  const separator = cookie.indexOf('=');
  return {
    email,
    password,
    tenantId: tenant.id,
    cookie,
    api,
    enter: (context) =>
      context.addCookies([
        {
          name: cookie.slice(0, separator),
          value: cookie.slice(separator + 1),
          url: dashboardUrl,
          httpOnly: true,
          sameSite: 'Lax',
        },
      ]),
  };
};

/** As if the person had opened the link of the sign-up. */
export const confirmEmail = (stack: Pick<Stack, 'sql'>, { email }: SignedUp) =>
  stack.sql('update users set email_verified = true where email = $1', [email]);

/** A token of a new agent of this person's tenant. */
export const agentToken = async ({ apiUrl }: Stack, { api }: SignedUp): Promise<string> => {
  const { agentId } = await api.agents.register({ name: `agent ${randomBytes(3).toString('hex')}` });
  const { clientId, clientSecret } = await api.agents.createCredential(agentId);
  return (await createClient({ baseUrl: apiUrl }).tokens.issue({ clientId, clientSecret })).access_token;
};

/** As if the tenant had used so many API calls today, at some other process. */
export const useCalls = (stack: Stack, { tenantId }: SignedUp, count: number) =>
  stack.sql(
    `insert into usage_events (tenant_id, day, metric, source, count)
     values ($1, (now() at time zone 'UTC')::date, 'api_calls', 'earlier', $2)`,
    [tenantId, count],
  );

/** A new page in a browser of its own, signed in as this person, or a visitor's. */
export const newPageAs = async (
  browser: Browser,
  person: SignedUp | null | undefined,
  options: BrowserContextOptions = {},
): Promise<Page> => {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE_MS);
  await person?.enter(context);
  return context.newPage();
};
