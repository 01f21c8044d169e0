import { createHmac, createPublicKey } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rotateSigningKeys } from '../src/services/signing-keys/rotate-signing-keys.ts';
import type { SigningKey } from '../src/services/signing-keys/signing-keys.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair, signJws } from './support/assertions.ts';
import { registerAgent, signUp } from './support/callers.ts';
import type { TestAgent } from './support/callers.ts';
import { startVerifiers } from './support/verifiers.ts';
import type { Verifier } from './support/verifiers.ts';

/** Stages as those in production, but shorter. */
const MAX_AGE_MS = 500;
const times = { publishMs: 2 * MAX_AGE_MS, signMs: 0, keepMs: 4_000 };
/** When the key of most tokens signs no more, and is published still. */
const AGAIN_MS = 2_000;
const ROTATIONS = 6;
const WORKERS = 6;

let api: TestApi;
let agent: TestAgent;
let verifiers: Verifier[];
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  agent = await registerAgent(api, await signUp(api));
  verifiers = startVerifiers(api, MAX_AGE_MS);
});
afterAll(async () => {
  await Promise.all(verifiers.map((verifier) => verifier.close()));
  await api.close();
});

const stranger = newKeyPair().privateKey;

/** One token made wrong in each of the ways that a verifier is there for. */
const tampered = (token: string, { kid, privateKey }: SigningKey, otherKid: string): [string, string][] => {
  const [head = '', body = '', signature = ''] = token.split('.');
  const claims = decodeJwt(token);
  const header = { ...decodeProtectedHeader(token), kid };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const sign = (changes: object, headerChanges: object = {}, key = privateKey) =>
    signJws(
      { algorithm: 'ES256', privateKey: key },
      { ...header, ...headerChanges },
      { ...claims, ...changes },
    );
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  const hmacInput = `${encode({ ...header, alg: 'HS256' })}.${body}`;
  const bytes = Buffer.from(signature, 'base64url');
  bytes[40]! ^= 1;
  return [
    ['another payload', `${head}.${encode({ ...claims, scope: 'agents:write' })}.${signature}`],
    ['another signature', `${head}.${body}.${bytes.toString('base64url')}`],
    ['alg none', `${encode({ ...header, alg: 'none' })}.${body}.`],
    [
      'HS256 with the public key',
      `${hmacInput}.${createHmac('sha256', publicKey).update(hmacInput).digest('base64url')}`,
    ],
    ['the key of a stranger', sign({}, {}, stranger)],
    ['an unknown kid', sign({}, { kid: 'none' })],
    ['the kid of another key of ours', sign({}, { kid: otherKid })],
    ['another issuer', sign({ iss: 'http://elsewhere.test' })],
    ['another audience', sign({ aud: 'http://elsewhere.test' })],
    ['an end in the past', sign({ exp: Math.floor(Date.now() / 1_000) - 60 })],
  ];
};

/** What was found wrong, and how often what was found right. */
const createCounts = () => ({
  problems: [] as string[],
  accepted: new Map<string, number>(),
  refused: new Map<string, number>(),
  afterItsKeySigned: 0,
});
type Counts = ReturnType<typeof createCounts>;

/** What comes later than `until` is not judged, if it is no acceptance. */
const askAll = (
  token: string,
  what: string,
  { expected, until = Infinity }: { expected: 'yes' | 'no'; until?: number },
  counts: Counts,
): Promise<unknown> =>
  Promise.all(
    verifiers.map(async ({ name, ask }) => {
      const verdict = await ask(token);
      const seen = expected === 'yes' ? counts.accepted : counts.refused;
      if (verdict.split(':')[0] === expected) seen.set(name, (seen.get(name) ?? 0) + 1);
      else if (Date.now() < until) counts.problems.push(`${name}, ${what}: ${verdict}`);
    }),
  );

/** Has a token issued and judged, at once and once more later, until told to end. */
const work = async (counts: Counts, isRunning: () => boolean): Promise<void> => {
  const later: Promise<unknown>[] = [];
  while (isRunning()) {
    // Its key is kept for as long; on a busy machine it may be looked at when that is gone.
    const honest = { expected: 'yes', until: Date.now() + times.keepMs } as const;
    const { status, text, body } = await agent.requestToken();
    if (status !== 200) counts.problems.push(text);
    const token = body.access_token as string;
    const { current, published } = api.deps.signingKeys;
    const other = published.find(({ kid }) => kid !== current.kid)!;
    await askAll(token, 'honest', honest, counts);
    for (const [what, text] of tampered(token, current, other.kid))
      await askAll(text, what, { expected: 'no' }, counts);
    later.push(
      wait(AGAIN_MS).then(() => {
        if (decodeProtectedHeader(token).kid !== api.deps.signingKeys.current.kid) counts.afterItsKeySigned++;
        return askAll(token, 'honest, later', honest, counts);
      }),
    );
  }
  await Promise.all(later);
};

it(
  'Independent verifiers accept our tokens through key rotations under load',
  { timeout: 120_000 },
  async () => {
    const counts = createCounts();
    const signers = new Set<string>();
    let gone = 0;
    let running = true;
    const workers = Array.from({ length: WORKERS }, () => work(counts, () => running));
    const isEnough = () =>
      gone > 0 &&
      counts.afterItsKeySigned > WORKERS &&
      verifiers.every(
        ({ name }) => (counts.accepted.get(name) ?? 0) > 100 && (counts.refused.get(name) ?? 0) > 1_000,
      );
    while (signers.size < ROTATIONS || !isEnough()) {
      for (const { kid, to } of await rotateSigningKeys(api.deps, { now: new Date(), times })) {
        if (to === 'current') signers.add(kid);
        if (to === 'gone') gone++;
      }
      await wait(20);
    }
    running = false;
    await Promise.all(workers);
    expect(counts.problems).toEqual([]);
  },
);
