import { join } from 'node:path';
import { freePort } from '../../../dev/src/ports.ts';
import { answers, program } from './processes.ts';
import type { Program } from './processes.ts';

const SCHEMA = new URL('../../../dev/stripe/test/fixtures/stripe-openapi.json', import.meta.url).pathname;

/** What the platform calls Stripe: the stand-in, or a real account in test mode. */
export interface StripeAccount {
  isReal: boolean;
  url: string;
  key: string;
  /** What the programs of the platform are told. */
  environment: Record<string, string>;
  program: Program;
}

/** Nothing to start and nothing to stop. */
const noProgram: Program = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  kill: () => Promise.resolve(),
  ended: () => Promise.resolve(null),
  errors: () => '',
};

/** The key of a real account in test mode, if one is given. A live key is refused, because the scenarios pay. */
export const testKeyOf = ({ STRIPE_TEST_SECRET_KEY: key }: NodeJS.ProcessEnv): string | undefined => {
  if (!key) return undefined;
  if (/^(sk|rk)_test_\w+$/.test(key)) return key;
  throw new Error(
    'STRIPE_TEST_SECRET_KEY must be a key of test mode (sk_test_… or rk_test_…), because the scenarios pay and cancel. Copy it from Stripe’s dashboard in test mode.',
  );
};

const standIn = async (folder: string): Promise<StripeAccount> => {
  const [port, key] = [await freePort(), 'sk_test_journeys'];
  const url = `http://127.0.0.1:${port}`;
  const env = {
    STRIPE_PORT: String(port),
    STRIPE_DATA_FILE: join(folder, 'stripe.json'),
    STRIPE_SCHEMA: SCHEMA,
  };
  return {
    isReal: false,
    url,
    key,
    environment: { STRIPE_SECRET_KEY: key, STRIPE_API_URL: url },
    program: program(['dev/stripe/src/main.ts'], env, () => answers(`${url}/_dev/health`)),
  };
};

/** The real account of this key, or the stand-in with its state in the folder. */
export const openAccount = async (folder: string, key: string | undefined): Promise<StripeAccount> =>
  key === undefined
    ? standIn(folder)
    : {
        isReal: true,
        url: 'https://api.stripe.com',
        key,
        environment: { STRIPE_SECRET_KEY: key },
        program: noProgram,
      };
