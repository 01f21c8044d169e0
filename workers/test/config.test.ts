import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';

const required = {
  APP_DATABASE_URL: 'postgres://login:canary@127.0.0.1:5432/sentryagent',
  STRIPE_SECRET_KEY: 'sk_test_canary',
  KEY_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
};

it('takes what is documented where nothing is set', () => {
  expect(parseConfig(required)).toMatchObject({
    TEMPORAL_ADDRESS: 'localhost:7233',
    TEMPORAL_NAMESPACE: 'default',
    DASHBOARD_URL: 'http://localhost:3001',
    TRIAL_DAYS: 0,
    MAIL_FROM: 'SentryAgent <no-reply@localhost>',
    METRICS_HOST: '127.0.0.1',
    METRICS_PORT: 9465,
    WORKFLOW_BUNDLE: expect.stringMatching(/workers\/dist\/workflow-bundle\.js$/),
  });
});

it('refuses a live key beside a stand-in', () => {
  const env = { ...required, STRIPE_SECRET_KEY: 'sk_live_canary', STRIPE_API_URL: 'http://localhost:12111' };
  expect(() => parseConfig(env)).toThrow(/STRIPE_API_URL cannot be used with a live STRIPE_SECRET_KEY/);
});

it('takes a deployment only with a build id', () => {
  const version = { TEMPORAL_DEPLOYMENT: 'workers', TEMPORAL_BUILD_ID: '1.4.0' };
  expect(parseConfig({ ...required, ...version })).toMatchObject(version);
  expect(() => parseConfig({ ...required, TEMPORAL_DEPLOYMENT: 'workers' })).toThrow(
    /TEMPORAL_DEPLOYMENT needs TEMPORAL_BUILD_ID: set both or none/,
  );
  expect(() => parseConfig({ ...required, TEMPORAL_BUILD_ID: '1.4.0' })).toThrow(
    /TEMPORAL_BUILD_ID needs TEMPORAL_DEPLOYMENT: set both or none/,
  );
  expect(() => parseConfig({ ...required, ...version, TEMPORAL_DEPLOYMENT: 'a.b' })).toThrow(
    /TEMPORAL_DEPLOYMENT must be at most 100 characters/,
  );
});

it('names all that is missing or wrong at once, repeats no value and exits 78', async () => {
  const main = new URL('../src/main.ts', import.meta.url).pathname;
  const failed: unknown = await promisify(execFile)(process.execPath, [main], {
    env: { ...bareEnvironment, STRIPE_SECRET_KEY: 'canary', METRICS_PORT: 'canary', TRIAL_DAYS: '-1' },
  }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 78, stdout: '' });
  const { stderr } = failed as { stderr: string };
  for (const name of ['APP_DATABASE_URL is missing', 'STRIPE_SECRET_KEY', 'METRICS_PORT', 'TRIAL_DAYS']) {
    expect(stderr).toContain(`  - ${name}`);
  }
  expect(stderr).not.toContain('canary');
});
