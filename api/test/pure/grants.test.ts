import { describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.ts';
import type { OAuthError } from '../../src/platform/oauth-error.ts';
import type { Client } from '../../src/services/clients/client.ts';
import { findGrant, grantTypes } from '../../src/services/tokens/grants/find-grant.ts';
import type { TokenParameters } from '../../src/services/tokens/grants/grant.ts';
import { grantScopes } from '../../src/services/tokens/grants/scopes.ts';

const API = 'https://api.test';
const CRM = 'https://crm.example';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const [subject, agent, first, second] = Array.from({ length: 4 }, () => newId('agt')) as [
  string,
  string,
  string,
  string,
];
const client: Client = {
  tenantId: 'ten_1',
  agentId: agent,
  credentialId: 'crd_1',
  scopes: ['agents:read', 'audit:read', 'billing:read'],
};

const claims = {
  ...{ iss: API, aud: API, sub: subject, client_id: subject, tenant_id: 'ten_1', jti: 'evt_1' },
  ...{ credential_id: 'crd_2', credential_generation: 3, iat: 0, exp: 1_000 },
  scope: 'billing:read agents:read agents:write',
};
const act = { iss: API, sub: second, act: { iss: API, sub: first } };
/** The claims of each valid token. */
const tokens: Record<string, object> = {
  subject: claims,
  foreign: { ...claims, tenant_id: 'ten_2' },
  'no agent': { ...claims, sub: 'pol_1' },
  crm: { ...claims, aud: CRM, scope: 'read write' },
  gone: { ...claims, aud: 'https://gone.example' },
  spelt: { ...claims, aud: `${CRM}/` },
  twice: { ...claims, act, client_id: second, exchanged_from: [{ jti: 'evt_0', credential_id: 'crd_0' }] },
  'three times': { ...claims, act: { iss: API, sub: agent, act } },
  own: { ...claims, sub: agent },
  "the subject's": claims,
  'own of the CRM': { ...claims, sub: agent, aud: CRM },
  'own, exchanged': { ...claims, sub: agent, act: { iss: API, sub: first } },
};

const deps = {
  config: { PUBLIC_URL: API, TOKEN_TTL_SECONDS: 900 },
  verifyIssuedToken: async (token: string) => tokens[token] as never,
  findResource: async (tenantId: string, agentId: string, resource: string) =>
    [CRM, `${CRM}/`].includes(resource) && tenantId === 'ten_1' && agentId === agent
      ? { resourceId: 'res_1', identifier: CRM, scopes: ['read', 'list'], tokenTtlSeconds: 60 }
      : undefined,
};
const ask = (grantType: string, parameters: TokenParameters = {}) =>
  findGrant(grantType)(deps, client, parameters);
const exchange = (changes: TokenParameters = {}) =>
  ask(EXCHANGE, { subject_token: 'subject', subject_token_type: ACCESS_TOKEN, ...changes });
const refusal = async (asked: Promise<unknown>): Promise<OAuthError> =>
  asked.then(
    () => expect.unreachable('it was granted'),
    (error: unknown) => error as OAuthError,
  );

describe('a grant', () => {
  it('is found by its type', () => {
    expect(grantTypes).toEqual(['client_credentials', EXCHANGE]);
    for (const type of ['', 'password', 'constructor', EXCHANGE.toUpperCase()]) {
      expect(() => findGrant(type)).toThrow(
        expect.objectContaining({
          code: 'unsupported_grant_type',
          description: `Send one of these grant types: client_credentials, ${EXCHANGE}.`,
        }),
      );
    }
  });

  it.each([
    [undefined, 'a b c'],
    ['c', 'c'],
    ['c a', 'a c'],
    ['  b   b ', 'b'],
  ])('of the scope %j has %s', (asked, scope) => {
    expect(grantScopes(asked, ['a', 'b', 'c'])).toBe(scope);
  });

  it.each([
    ['d', ['a', 'b'], 'a b'],
    ['a d', ['a', 'b'], 'a b'],
    ['A', ['a', 'b'], 'a b'],
    ['', ['a', 'b'], 'a b'],
    [' ', ['a', 'b'], 'a b'],
    [undefined, [], 'none'],
    ['a', [], 'none'],
  ])('of the scope %j of %j is refused', (asked, grantable, words) => {
    expect(() => grantScopes(asked, grantable)).toThrow(
      expect.objectContaining({
        code: 'invalid_scope',
        description: `This agent can request these scopes: ${words}.`,
      }),
    );
  });
});

describe('client credentials', () => {
  const own = { subject: agent, action: 'token.issued', metadata: { grantType: 'client_credentials' } };

  it('get a token for the API, in any spelling of its URL', async () => {
    const expected = { ...own, audience: API, resourceId: undefined, ttlSeconds: 900 };
    expect(await ask('client_credentials')).toEqual({ ...expected, scope: client.scopes.join(' ') });
    expect(
      await ask('client_credentials', { resource: 'HTTPS://API.test:443/', scope: 'audit:read' }),
    ).toEqual({
      ...expected,
      scope: 'audit:read',
    });
  });

  it('get a token for a resource of the agent', async () => {
    const expected = { ...own, audience: CRM, resourceId: 'res_1', ttlSeconds: 60, scope: 'read list' };
    expect(await ask('client_credentials', { resource: `${CRM}/` })).toEqual(expected);
  });

  it.each<[what: string, parameters: TokenParameters, code: string, words: RegExp]>([
    ['a subject', { subject_token: 'subject' }, 'invalid_request', /token-exchange grant/],
    ['an actor', { actor_token: 'own' }, 'invalid_request', /token-exchange grant/],
    ['an audience', { audience: API }, 'invalid_target', /^audience is not supported/],
    [
      'another resource',
      { resource: 'https://a.example' },
      'invalid_target',
      /^Send resource=https:\/\/api\.test, or/,
    ],
    ['a resource that cannot be stored', { resource: `${CRM} ` }, 'invalid_target', /PATCH \/agents\/agt_/],
    ['too wide a scope', { scope: 'agents:write' }, 'invalid_scope', /agents:read/],
  ])('with %s get nothing', async (_what, parameters, code, words) => {
    expect(await refusal(ask('client_credentials', parameters))).toMatchObject({
      code,
      description: expect.stringMatching(words),
    });
  });

  it('ask for no resource that cannot be stored', async () => {
    const asked: string[] = [];
    const findResource = async (_tenant: string, _agent: string, resource: string) => {
      asked.push(resource);
      return undefined;
    };
    for (const resource of ['a b', 'é', '', 'x'.repeat(257), 'x'.repeat(256), '!~']) {
      await refusal(findGrant('client_credentials')({ ...deps, findResource }, client, { resource }));
    }
    expect(asked).toEqual(['x'.repeat(256), '!~']);
  });
});

describe('an exchange', () => {
  const made = {
    subject,
    action: 'token.exchanged',
    notAfter: 1_000,
    issuedTokenType: ACCESS_TOKEN,
  };

  it('has the scopes that both hold, and names who acts', async () => {
    const newAct = { iss: API, sub: agent };
    expect(await exchange()).toEqual({
      ...made,
      act: newAct,
      exchangedFrom: [{ jti: 'evt_1', credential_id: 'crd_2', credential_generation: 3 }],
      audience: API,
      resourceId: undefined,
      scope: 'agents:read billing:read',
      ttlSeconds: 900,
      agentIds: [subject],
      metadata: { grantType: EXCHANGE, subject, subjectTokenId: 'evt_1', act: newAct },
    });
  });

  it('is for the resource of its subject, with the scopes of both there', async () => {
    expect(await exchange({ subject_token: 'crm', resource: `${CRM}/` })).toMatchObject({
      ...made,
      ...{ audience: CRM, resourceId: 'res_1', scope: 'read', ttlSeconds: 60 },
    });
  });

  it('adds its client to the actors before it', async () => {
    expect(await exchange({ subject_token: 'twice' })).toMatchObject({
      act: { iss: API, sub: agent, act },
      agentIds: [subject, second, first],
      exchangedFrom: [
        { jti: 'evt_1', credential_id: 'crd_2' },
        { jti: 'evt_0', credential_id: 'crd_0' },
      ],
    });
  });

  it('takes each default said aloud, and an actor token of the client', async () => {
    const said = { requested_token_type: ACCESS_TOKEN, actor_token_type: ACCESS_TOKEN, resource: API };
    expect(await exchange({ ...said, actor_token: 'own', scope: 'agents:read' })).toMatchObject({
      ...made,
      scope: 'agents:read',
    });
  });

  const ACTOR = { actor_token_type: ACCESS_TOKEN };
  it.each<[what: string, changes: TokenParameters, words: RegExp, code?: string]>([
    ['no subject token', { subject_token: undefined }, /^Send subject_token/],
    ['no subject type', { subject_token_type: undefined }, /^subject_token_type must be urn/],
    ['another subject type', { subject_token_type: 'access_token' }, /^subject_token_type must be urn/],
    ['another requested type', { requested_token_type: 'jwt' }, /^requested_token_type must be urn/],
    ['an actor without its type', { actor_token: 'own' }, /together, or neither/],
    ['a type without its actor', ACTOR, /together, or neither/],
    ['another actor type', { actor_token: 'own', actor_token_type: 'jwt' }, /^actor_token_type must be urn/],
    ['an audience', { audience: API }, /^audience is not supported/, 'invalid_target'],
    ['an invalid subject', { subject_token: 'x' }, /^subject_token must be a valid/],
    ['a foreign subject', { subject_token: 'foreign' }, /^subject_token must be a valid/],
    ['a subject that is no agent', { subject_token: 'no agent' }, /^subject_token must be a valid/],
    ['an invalid actor', { ...ACTOR, actor_token: 'x' }, /^actor_token must be a valid/],
    ['the subject as actor', { ...ACTOR, actor_token: "the subject's" }, /^actor_token must be a valid/],
    ['an actor of a resource', { ...ACTOR, actor_token: 'own of the CRM' }, /^actor_token must be a valid/],
    ['an exchanged actor', { ...ACTOR, actor_token: 'own, exchanged' }, /^actor_token must be a valid/],
    ['a fourth actor', { subject_token: 'three times' }, /already exchanged by 3 agents/],
    ['another resource', { resource: CRM }, /^resource must be the resource of the/, 'invalid_target'],
    ['a resource that is gone', { subject_token: 'gone' }, /^Send resource=/, 'invalid_target'],
    ['another spelling of it', { subject_token: 'spelt' }, /does not exist. Get a new/],
    ['a scope of the client alone', { scope: 'audit:read' }, /agents:read billing:read/, 'invalid_scope'],
    ['a scope of the subject alone', { scope: 'agents:write' }, /agents:read billing:read/, 'invalid_scope'],
  ])('with %s gets nothing', async (_what, changes, words, code = 'invalid_request') => {
    expect(await refusal(exchange(changes))).toMatchObject({
      code,
      description: expect.stringMatching(words),
    });
  });
});
