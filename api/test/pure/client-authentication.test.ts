import { UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { clientSecretBasic } from '../../src/http/client-authentication/client-secret-basic.ts';
import { clientSecretPost } from '../../src/http/client-authentication/client-secret-post.ts';
import type {
  ClientAuthenticationMethod,
  ClientRequest,
} from '../../src/http/client-authentication/method.ts';
import { privateKeyJwt } from '../../src/http/client-authentication/private-key-jwt.ts';
import { OAuthError } from '../../src/platform/oauth-error.ts';
import { ClientRefusal } from '../../src/services/clients/client-refusal.ts';
import { isLive, refuseExpired } from '../../src/services/clients/proof.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const methods = [clientSecretBasic, clientSecretPost, privateKeyJwt];

/** What each way of proving is asked. */
const asked: string[][] = [];
const deps = {
  authenticateSecret: async (...given: string[]) => void asked.push(given),
  authenticateAssertion: async (...given: string[]) => void asked.push(given),
} as never;

const request = (body: ClientRequest['body'], authorization?: string): ClientRequest => ({
  headers: { authorization },
  body,
});
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const prove = async (method: ClientAuthenticationMethod, given: ClientRequest): Promise<string[]> => {
  asked.length = 0;
  const { clientId, prove: ask } = method.read(deps, given);
  await ask();
  return [clientId, ...asked.flat()];
};
const refusal = (method: ClientAuthenticationMethod, given: ClientRequest): string => {
  try {
    method.read(deps, given);
  } catch (error) {
    return `${(error as OAuthError).code}: ${(error as OAuthError).description}`;
  }
  return 'it was read';
};

it.each<[what: string, given: ClientRequest, used: string[]]>([
  ['nothing', request({}), []],
  ['a client id', request({ client_id: 'a' }), []],
  ['a header', request({}, 'Digest x'), ['client_secret_basic']],
  ['an empty secret', request({ client_secret: '' }), ['client_secret_post']],
  ['an assertion', request({ client_assertion: 'x' }), ['private_key_jwt']],
  ['the type of one', request({ client_assertion_type: 'x' }), ['private_key_jwt']],
  [
    'a header and a secret',
    request({ client_secret: 'x' }, ''),
    ['client_secret_basic', 'client_secret_post'],
  ],
])('A request with %s uses its methods, even wrongly', (_what, given, used) => {
  expect(methods.filter(({ isUsed }) => isUsed(given)).map(({ name }) => name)).toEqual(used);
});

describe('client_secret_basic', () => {
  it.each([
    [basic('agt_1:secret'), 'agt_1', 'secret'],
    [basic('agt_1:secret').replace('Basic ', 'bASIC   '), 'agt_1', 'secret'],
    [basic('a+b%3A:c%2Bd+e:f'), 'a b:', 'c+d e:f'],
    [basic(':'), '', ''],
    [basic('agt_1:%C3%A9'), 'agt_1', 'é'],
  ])('%s is a client and its secret', async (authorization, clientId, secret) => {
    expect(await prove(clientSecretBasic, request({}, authorization))).toEqual([clientId, clientId, secret]);
  });

  const HEADER = 'invalid_client: Send the header Authorization: Basic base64(client_id:client_secret).';
  const FORM = 'invalid_client: The Basic credentials must be form-encoded (RFC 6749 section 2.3.1).';
  it.each([
    ['nothing', undefined, HEADER],
    ['another scheme', `Digest ${basic('a:b')}`, HEADER],
    ['no space', basic('a:b').replace(' ', ''), HEADER],
    ['no colon', basic('agt_1'), HEADER],
    ['no base64', 'Basic a:b', HEADER],
    ['text after the padding', `${basic('a:bc')}x y`, HEADER],
    ['a broken client id', basic('%zz:x'), FORM],
    ['a broken secret', basic('x:%'), FORM],
  ])('refuses %s', (_what, authorization, words) => {
    expect(refusal(clientSecretBasic, request({}, authorization))).toBe(words);
  });
});

describe('client_secret_post', () => {
  it('takes a client and its secret as they are', async () => {
    const body = { client_id: 'a+b', client_secret: 'c%20d' };
    expect(await prove(clientSecretPost, request(body))).toEqual(['a+b', 'a+b', 'c%20d']);
  });

  it.each([{ client_id: 'a' }, { client_secret: 'a' }])('refuses %j alone', (body) => {
    expect(refusal(clientSecretPost, request(body))).toBe(
      'invalid_client: Send client_id with client_secret.',
    );
  });
});

describe('private_key_jwt', () => {
  /** Its signature is checked later. */
  const assertion = new UnsecuredJWT({}).setSubject('agt_1').encode();

  it('takes an assertion, which names its client', async () => {
    const body = { client_assertion: assertion, client_assertion_type: JWT_BEARER };
    expect(await prove(privateKeyJwt, request(body))).toEqual(['agt_1', assertion]);
  });

  it.each([
    { client_assertion: assertion },
    { client_assertion_type: JWT_BEARER },
    { client_assertion: assertion, client_assertion_type: JWT_BEARER.toUpperCase() },
  ])('refuses one without the other: %#', (body) => {
    expect(refusal(privateKeyJwt, request(body))).toBe(
      `invalid_request: Send client_assertion with client_assertion_type=${JWT_BEARER}.`,
    );
  });
});

describe('a proved credential', () => {
  const now = new Date('2026-11-24T10:00:00Z');
  const client = { tenantId: 'ten_1', agentId: 'agt_1', credentialId: 'crd_1', scopes: [] };
  const proof = (expiresAt: Date | null, enabled = true) => ({ client, enabled, expiresAt });
  const past = proof(now);
  const future = proof(new Date(now.getTime() + 1));

  it('is live until it expires or is revoked', () => {
    const all = [proof(null), future, past, proof(null, false), { ...future, enabled: false }];
    expect(all.map((each) => isLive(each, now))).toEqual([true, true, false, false, false]);
  });

  it('is refused with the day on which it expired', () => {
    refuseExpired(future, now);
    refuseExpired(proof(null), now);
    expect(() => refuseExpired(past, now)).toThrow(
      expect.objectContaining({
        ...{ reason: 'expired', code: 'invalid_client', credentialId: 'crd_1' },
        description: 'This credential expired on 2026-11-24. Create a new one for the agent.',
      }),
    );
  });

  it('is refused with a reason that only the log has', () => {
    const error = new ClientRefusal('wrong_secret', 'No.');
    expect(error).toBeInstanceOf(OAuthError);
    expect(error).toMatchObject({ reason: 'wrong_secret', code: 'invalid_client', credentialId: undefined });
  });
});
