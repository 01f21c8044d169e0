import { setTimeout as wait } from 'node:timers/promises';
import { randomBytes, randomInt } from 'node:crypto';
import { cookiesOf } from '../../../dev/src/cookies.ts';
import { DASHBOARD_URL } from './api.ts';
import type { TestApi } from './api.ts';

export type Json = Record<string, unknown>;

export interface Reply {
  status: number;
  headers: Headers;
  body: Json;
  text: string;
}

const address = (): string => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;

/**
 * What holds for every answer: no header was made of nothing, a detail is whole sentences, and RFC 6749 section 5.2 for
 * what a description holds.
 */
const checkAnswer = ({ headers, body }: Reply): void => {
  for (const [name, value] of headers) {
    if (/\b(undefined|null|NaN)\b|\[object /.test(value)) throw new Error(`${name}: ${value}`);
  }
  const { error_description: description, detail } = body;
  if (detail !== undefined && !/^[A-Z].*[^.]\.$/.test(detail as string)) {
    throw new Error(`detail: ${String(detail)}`);
  }
  if (description !== undefined && !/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(description as string)) {
    throw new Error(`error_description: ${String(description)}`);
  }
};

const read = async (response: Response): Promise<Reply> => {
  const text = await response.text();
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
  const reply = {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Json) : {},
    text,
  };
  checkAnswer(reply);
  return reply;
};

/** A plain request. Each comes from another address unless the caller sets one, so no test reaches an attempt limit. */
export const call = async (
  { url }: Pick<TestApi, 'url'>,
  path: string,
  init: RequestInit = {},
): Promise<Reply> => {
  const headers = new Headers(init.headers);
  if (!headers.has('x-forwarded-for')) headers.set('x-forwarded-for', address());
  return read(await fetch(`${url}${path}`, { ...init, headers }));
};

/** A request with a method of one's choice, a JSON body where one is given, and headers. */
const send = (
  api: Pick<TestApi, 'url'>,
  [method, path]: [method: string, path: string],
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
) =>
  call(api, path, {
    method,
    headers: {
      origin: DASHBOARD_URL,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

export const post = (
  api: Pick<TestApi, 'url'>,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
) => send(api, ['POST', path], { body, headers });

/** Asks again if the answer is 503, as a client does: a busy machine may answer so. A lasting 503 is returned. */
export const insist = async (ask: () => Promise<Reply>, tries = 30): Promise<Reply> => {
  const reply = await ask();
  if (reply.status !== 503 || tries <= 1) return reply;
  await wait(200);
  return insist(ask, tries - 1);
};

export interface TestMember {
  email: string;
  password: string;
  cookie: string;
  tenantId: string;
  userId: string;
  get(path: string): Promise<Reply>;
  post(path: string, body: unknown): Promise<Reply>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
}

/** A person who has just signed up, with the tenant that this made. */
export const signUp = async (api: Pick<TestApi, 'url'>): Promise<TestMember> => {
  const email = `${randomBytes(6).toString('hex')}@example.com`;
  const password = 'correct horse battery';
  const signedUp = await post(api, '/auth/sign-up', { email, password });
  if (signedUp.status !== 200) throw new Error(`sign-up: ${signedUp.text}`);
  const cookie = cookiesOf(signedUp);
  const get = (path: string) => call(api, path, { headers: { cookie } });
  const session = (await get('/auth/session')).body as { tenant: { id: string }; user: { id: string } };
  return {
    email,
    password,
    cookie,
    tenantId: session.tenant.id,
    userId: session.user.id,
    get,
    post: (path, body) => post(api, path, body, { cookie }),
    send: (method, path, body, headers) =>
      send(api, [method, path], { body, headers: { cookie, ...headers } }),
  };
};

export interface TestAgent {
  agentId: string;
  clientId: string;
  clientSecret: string;
  credentialId: string;
  /** A token request with this client; `form` adds or replaces parameters, and another process may be asked. */
  requestToken(form?: Record<string, string>, process?: Pick<TestApi, 'url'>): Promise<Reply>;
  /** A fresh access token. */
  token(): Promise<string>;
  /** A call with one token, got at the first. */
  get(path: string): Promise<Reply>;
  post(path: string, body: unknown): Promise<Reply>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

export const requestToken = (
  api: Pick<TestApi, 'url'>,
  authorization: string | undefined,
  form: Record<string, string>,
) =>
  call(api, '/oauth2/token', {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
    body: new URLSearchParams(form),
  });

let names = 0;

/** An agent of the member's tenant, with a secret. */
export const registerAgent = async (
  api: Pick<TestApi, 'url'>,
  member: TestMember,
  scopes?: string[],
): Promise<TestAgent> => {
  const made = await member.post('/agents', { name: `client ${++names}`, ...(scopes && { scopes }) });
  if (made.status !== 201) throw new Error(`registration: ${made.text}`);
  const agentId = made.body.agentId as string;
  const { body: credential } = await member.post(`/agents/${agentId}/credentials`, {});
  const { clientId, clientSecret, credentialId } = credential as Record<string, string>;
  const ask = (form: Record<string, string> = {}, process: Pick<TestApi, 'url'> = api) =>
    requestToken(process, basic(clientId!, clientSecret!), { grant_type: 'client_credentials', ...form });
  const token = async () => (await ask()).body.access_token as string;
  let cached: Promise<string> | undefined;
  const authorization = async () => `Bearer ${await (cached ??= token())}`;
  return {
    agentId,
    clientId: clientId!,
    clientSecret: clientSecret!,
    credentialId: credentialId!,
    requestToken: ask,
    token,
    get: async (path) => call(api, path, { headers: { authorization: await authorization() } }),
    post: async (path, body) => post(api, path, body, { authorization: await authorization() }),
    send: async (method, path, body, headers) =>
      send(api, [method, path], { body, headers: { authorization: await authorization(), ...headers } }),
  };
};

/** Replaces what the agent is granted of the tenant's resources: pairs of an identifier and its scopes. */
export const grantResources = (
  by: Pick<TestMember, 'send'>,
  { agentId }: Pick<TestAgent, 'agentId'>,
  grants: Record<string, string[]>,
): Promise<Reply> =>
  by.send('PATCH', `/agents/${agentId}`, {
    resourceGrants: Object.entries(grants).map(([resource, scopes]) => ({ resource, scopes })),
  });
