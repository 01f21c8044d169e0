import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { PUBLIC_URL } from './api.ts';
import type { TestApi } from './api.ts';
import { bareEnvironment } from '../../../dev/test/support/bare-environment.ts';

/** A resource server that shares no code with ours, and knows of us what the key set tells. */
export interface Verifier {
  name: string;
  /** Whether it takes the token: `yes`, or `no: ` and why; `broken: ` where it could not judge. */
  ask(token: string): Promise<string>;
  close(): Promise<void>;
}

const jose = (url: string, keepMs: number): Verifier => {
  // It doesn't fetch the set for a key that it lacks, so that being published in time is all that helps.
  const keys = createRemoteJWKSet(new URL(url), { cacheMaxAge: keepMs, cooldownDuration: 600_000 });
  const options = {
    issuer: PUBLIC_URL,
    audience: PUBLIC_URL,
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['exp', 'iat', 'sub', 'jti', 'client_id'],
  };
  return {
    name: 'jose',
    ask: (token) =>
      jwtVerify(token, keys, options).then(
        () => 'yes',
        (error: unknown) => `${error instanceof errors.JOSEError ? 'no' : 'broken'}: ${String(error)}`,
      ),
    close: async () => {},
  };
};

/** One in another language: it reads a token a line, and answers a line for each. */
const program = (name: string, [command = '', ...args]: string[], env: NodeJS.ProcessEnv = {}): Verifier => {
  const child = spawn(command, args, { env: { ...bareEnvironment, ...env } });
  const exited = once(child, 'exit');
  const ended = exited.then(() => 'broken: it has ended');
  const asked: ((verdict: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (verdict) => asked.shift()?.(verdict));
  child.stderr.pipe(process.stderr);
  child.stdin.on('error', () => {});
  return {
    name,
    ask: (token) => {
      const verdict = new Promise<string>((resolve) => asked.push(resolve));
      child.stdin.write(`${JSON.stringify(token)}\n`);
      return Promise.race([verdict, ended]);
    },
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
};

const PYTHON = fileURLToPath(new URL('../verifiers/verify.py', import.meta.url));

/** Three, in as many languages; each keeps the key set for this long. */
export const startVerifiers = ({ url }: Pick<TestApi, 'url'>, keepMs: number): Verifier[] => {
  const keySet = `${url}/.well-known/jwks.json`;
  const args = [keySet, PUBLIC_URL, String(keepMs / 1_000)];
  return [
    jose(keySet, keepMs),
    program('PyJWT', ['python3', PYTHON, ...args], {
      PYTHONPATH: process.env.TEST_PYTHONPATH,
      PYTHONDONTWRITEBYTECODE: '1',
    }),
    program('golang-jwt', [process.env.TEST_GO_VERIFIER!, ...args]),
  ];
};
