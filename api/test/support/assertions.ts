import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { PUBLIC_URL } from './api.ts';
import { requestToken } from './callers.ts';
import type { Json, Reply, TestMember } from './callers.ts';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface KeyPair {
  algorithm: 'ES256' | 'EdDSA' | 'RS256';
  publicJwk: JsonWebKey;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export const newKeyPair = (algorithm: KeyPair['algorithm'] = 'ES256'): KeyPair => {
  const { publicKey, privateKey } = {
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  }[algorithm]();
  return { algorithm, publicKey, privateKey, publicJwk: publicKey.export({ format: 'jwk' }) };
};

export interface TestKey extends KeyPair {
  credentialId: string;
  thumbprint: string;
}

/** A new key pair whose public half is a credential of the agent. */
export const addKey = async (
  member: TestMember,
  agentId: string,
  algorithm?: KeyPair['algorithm'],
): Promise<TestKey> => {
  const pair = newKeyPair(algorithm);
  const { status, body, text } = await member.post(`/agents/${agentId}/keys`, { publicKey: pair.publicJwk });
  if (status !== 201) throw new Error(`adding a key: ${text}`);
  return { ...pair, credentialId: body.credentialId as string, thumbprint: body.thumbprint as string };
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A JWS made by hand, so that nothing keeps it from being wrong; text stands for JSON as it is. */
export const signJws = (
  { algorithm, privateKey }: Pick<KeyPair, 'algorithm' | 'privateKey'>,
  header: unknown,
  payload: unknown,
  encoding: 'ieee-p1363' | 'der' = 'ieee-p1363',
): string => {
  const input = `${encode(header)}.${encode(payload)}`;
  const hash = algorithm === 'EdDSA' ? null : 'sha256';
  const signature = sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: encoding });
  return `${input}.${signature.toString('base64url')}`;
};

const seconds = (): number => Math.floor(Date.now() / 1_000);

export const assertionClaims = (clientId: string): Json => ({
  iss: clientId,
  sub: clientId,
  aud: PUBLIC_URL,
  jti: randomUUID(),
  iat: seconds(),
  exp: seconds() + 60,
});

/** An honest assertion, with what is changed about it. */
export const signAssertion = (
  key: Pick<KeyPair, 'algorithm' | 'privateKey'>,
  clientId: string,
  { claims = {}, header = {} }: { claims?: Json; header?: Json } = {},
): string => signJws(key, { alg: key.algorithm, ...header }, { ...assertionClaims(clientId), ...claims });

export const requestByAssertion = (
  api: { url: string },
  assertion: string,
  form: Record<string, string> = {},
): Promise<Reply> =>
  requestToken(api, undefined, {
    grant_type: 'client_credentials',
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    ...form,
  });
