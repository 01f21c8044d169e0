import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { ApiError, createClient } from '@sentryagent/sdk';
import type { Client } from '@sentryagent/sdk';
import type { Config } from '../config.ts';
import { cookiesOf } from '../cookies.ts';
import type { Found, Part } from '../part.ts';

const EMAIL = 'demo@sentryagent.example';
const SCOPES = [
  'agents:read',
  'agents:write',
  'tokens:read',
  'audit:read',
  'billing:read',
  'billing:write',
  'trust:write',
] as const;

interface Demo {
  email: string;
  password: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
}

type Ask = <T>(call: () => Promise<T>) => Promise<T>;

/** Retries after a 429, because you may have set a limit of a few requests a minute to test it. */
const patiently =
  (say: (text: string) => void): Ask =>
  async (call) => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 'rate_limited')) throw error;
        const seconds = error.retryAfter ?? 1;
        say(`waiting ${seconds} s for the rate limit`);
        await wait(seconds * 1_000);
      }
    }
  };

/** Signs in or up like a browser. Returns a client with the session cookie. */
const enter = async (config: Config, how: (auth: Client['auth']) => Promise<unknown>): Promise<Client> => {
  const baseUrl = `http://localhost:${config.apiPort}`;
  const headers = { origin: config.dashboardUrl };
  let cookie = '';
  const onResponse = (response: Response): void => {
    cookie = cookiesOf(response);
  };
  await how(createClient({ baseUrl, headers, onResponse }).auth);
  return createClient({ baseUrl, headers: { ...headers, cookie } });
};

const read = (file: string): Demo | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Demo;
  } catch {
    return undefined;
  }
};

/** The demo of an earlier start, if its user can still sign in and has the same tenant. */
const keep = async (config: Config, ask: Ask, demo: Demo | undefined): Promise<Demo | undefined> => {
  if (!demo) return undefined;
  try {
    const { email, password } = demo;
    const client = await ask(() => enter(config, (auth) => auth.signIn({ email, password })));
    const { tenant } = await ask(() => client.auth.session());
    return tenant.id === demo.tenantId ? demo : undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
};

const create = async (config: Config, ask: Ask, email = EMAIL): Promise<Demo> => {
  const person = { email, password: randomBytes(12).toString('base64url') };
  const client = await ask(() => enter(config, (auth) => auth.signUp({ ...person, name: 'Demo' })));
  const { tenant } = await ask(() => client.auth.session());
  const { agentId } = await ask(() => client.agents.register({ name: 'demo-agent', scopes: [...SCOPES] }));
  const { clientId, clientSecret } = await ask(() => client.agents.createCredential(agentId));
  return { ...person, tenantId: tenant.id, clientId, clientSecret };
};

/** If the database has the address with an unknown password, uses another address. */
const createAnew = async (config: Config, ask: Ask): Promise<Demo> => {
  try {
    return await create(config, ask);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'email_taken')) throw error;
    return create(config, ask, EMAIL.replace('@', `-${randomBytes(3).toString('hex')}@`));
  }
};

/** Marks the demo's address as confirmed, because nobody reads its mail. Only this role can see users. */
const verify = async (databaseUrl: string | undefined, email: string): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c role=sentryagent_auth' });
  await client.connect();
  try {
    await client.query('update users set email_verified = true where email = $1', [email]);
  } finally {
    await client.end();
  }
};

/** The URLs of the parts. `null`: not started. */
const addresses = (config: Config, { temporalUiUrl, stripeUrl, mailUrl }: Found) => ({
  apiUrl: config.publicUrl,
  dashboardUrl: config.dashboardUrl,
  temporalUiUrl: temporalUiUrl ?? null,
  stripeUrl: stripeUrl ?? null,
  mailUrl: mailUrl ?? null,
});

export const demo: Part = {
  name: 'demo',
  async start({ config, found, progress }) {
    const ask = patiently((text) => progress.detail(text));
    const file = join(config.dataDir, 'demo.json');
    const kept = await keep(config, ask, read(file));
    const { email, password, tenantId, clientId, clientSecret } = kept ?? (await createAnew(config, ask));
    await verify(found.databaseUrl, email);
    const content = { ...addresses(config, found), email, password, tenantId, clientId, clientSecret };
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
    const url = `${config.publicUrl}/oauth2/token`;
    return {
      found: { tryIt: `curl -u ${clientId}:${clientSecret} -d grant_type=client_credentials ${url}` },
      note: kept ? undefined : 'signed up',
      rows: [['Sign in', `${email}  ${password}`]],
    };
  },
};
