import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiError, createClient } from '@sentryagent/sdk';
import type { Client } from '@sentryagent/sdk';
import type { Config } from '../config.ts';
import type { Part } from '../part.ts';

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

/** Signs in (or up) as a browser does, and answers a client that carries the cookie. */
const enter = async (config: Config, how: (auth: Client['auth']) => Promise<unknown>): Promise<Client> => {
  const baseUrl = `http://localhost:${config.apiPort}`;
  const headers = { origin: config.dashboardUrl };
  let cookie = '';
  const onResponse = (response: Response): void => {
    cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
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

/** The demo of an earlier start, if its person still gets in and is in the same tenant. */
const keep = async (config: Config, demo: Demo | undefined): Promise<Demo | undefined> => {
  if (!demo) return undefined;
  try {
    const { email, password } = demo;
    const client = await enter(config, (auth) => auth.signIn({ email, password }));
    const { tenant } = await client.auth.session();
    return tenant.id === demo.tenantId ? demo : undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
};

const create = async (config: Config, email = EMAIL): Promise<Demo> => {
  const person = { email, password: randomBytes(12).toString('base64url') };
  const client = await enter(config, (auth) => auth.signUp({ ...person, name: 'Demo' }));
  const { tenant } = await client.auth.session();
  const { agentId } = await client.agents.register({ name: 'demo-agent', scopes: [...SCOPES] });
  const { clientId, clientSecret } = await client.agents.createCredential(agentId);
  return { ...person, tenantId: tenant.id, clientId, clientSecret };
};

/** A database may know the address from a time whose password is gone: then the demo gets another one. */
const createAnew = async (config: Config): Promise<Demo> => {
  try {
    return await create(config);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'email_taken')) throw error;
    return create(config, EMAIL.replace('@', `-${randomBytes(3).toString('hex')}@`));
  }
};

/** Where the parts are; those that are not part of this stack are null. */
const addresses = (config: Config) => ({
  apiUrl: config.publicUrl,
  dashboardUrl: config.dashboardUrl,
  temporalUiUrl: null,
  stripeUrl: null,
  mailUrl: null,
});

export const demo: Part = {
  name: 'demo',
  async start({ config }) {
    const file = join(config.dataDir, 'demo.json');
    const kept = await keep(config, read(file));
    const { email, password, tenantId, clientId, clientSecret } = kept ?? (await createAnew(config));
    const content = { ...addresses(config), email, password, tenantId, clientId, clientSecret };
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
