import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { parseConfig, readConfig } from '../../src/config.ts';
import { count, flag, parseSettings, port, settingsOrExit, whole } from '../../src/platform/settings.ts';
import { KEY, required } from '../support/required-settings.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const configWith = (env: Record<string, string>) => parseConfig({ ...required, ...env });
const problemWith = (env: Record<string, string>): string => {
  try {
    configWith(env);
  } catch (error) {
    return (error as Error).message.split('\n').slice(1).join('\n');
  }
  return 'it was accepted';
};

describe('a setting', () => {
  it.each<[name: string, value: string, parsed: unknown]>([
    ['APP_DATABASE_URL', 'postgresql://a@b/c', 'postgresql://a@b/c'],
    ['REDIS_URL', 'redis://a', 'redis://a'],
    ['REDIS_URL', 'rediss://a', 'rediss://a'],
    ['API_HOST', '::', '::'],
    ['API_PORT', '0', 0],
    ['API_PORT', '65535', 65_535],
    ['HTTP_KEEP_ALIVE_MS', '1000', 1_000],
    ['HTTP_KEEP_ALIVE_MS', '3600000', 3_600_000],
    ['REDIS_TIMEOUT_MS', '10', 10],
    ['REDIS_TIMEOUT_MS', '5000', 5_000],
    ['TOKEN_TTL_SECONDS', '60', 60],
    ['TOKEN_TTL_SECONDS', '3600', 3_600],
    ['TRIAL_DAYS', '730', 730],
    ['DB_POOL_MIN', '0', 0],
    ['DB_POOL_MAX', '1', 1],
    ['RATE_LIMIT_MAX_REQUESTS', String(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
    ['BILLING_ENABLED', 'false', false],
    ['BILLING_ENABLED', 'true', true],
    ['PUBLIC_URL', 'https://api.example.com', 'https://api.example.com'],
    ['PUBLIC_URL', 'http://localhost:8080', 'http://localhost:8080'],
    ['TRUSTED_PROXIES', 'loopback, 10.0.0.0/8 ,fd00::1', ['loopback', '10.0.0.0/8', 'fd00::1']],
    ['STRIPE_WEBHOOK_SECRETS', 'whsec_1a, whsec_2b ,', ['whsec_1a', 'whsec_2b']],
    ['STRIPE_SECRET_KEY', 'sk_test_1', 'sk_test_1'],
    ['STRIPE_SECRET_KEY', 'rk_live_1', 'rk_live_1'],
    ['TEMPORAL_ADDRESS', 'temporal.example:7233', 'temporal.example:7233'],
    ['TEMPORAL_NAMESPACE', 'a', 'a'],
    ['LOG_LEVEL', 'silent', 'silent'],
  ])('%s takes %s', (name, value, parsed) => {
    expect(configWith({ [name]: value })).toHaveProperty(name, parsed);
  });

  it.each([
    ['APP_DATABASE_URL', 'xpostgres://a', 'must be a postgres:// URL'],
    ['APP_DATABASE_URL', 'postgresx://a', 'must be a postgres:// URL'],
    ['REDIS_URL', 'xredis://a', 'must be a redis:// URL'],
    ['REDIS_URL', 'redisx://a', 'must be a redis:// URL'],
    ['API_PORT', '65536', 'must be a whole number from 0 to 65535'],
    ['API_PORT', 'x', 'must be a whole number from 0 to 65535'],
    ['API_PORT', '1.5', 'must be a whole number from 0 to 65535'],
    ['API_PORT', '-1', 'must be a whole number from 0 to 65535'],
    ['TRIAL_DAYS', '731', 'must be a whole number from 0 to 730'],
    ['PUBLIC_URL', 'a', 'must be an http(s) origin without a path, such as https://api.example.com'],
    ['PUBLIC_URL', 'ws://a', 'must be an http(s) origin without a path, such as https://api.example.com'],
    [
      'TRUSTED_PROXIES',
      'x',
      'must be a comma-separated list of IP addresses, subnets or names such as loopback',
    ],
    ['AUTH_SECRET', 'x', 'must have at least 32 characters'],
    ['KEY_ENCRYPTION_KEYS', 'x', 'must be a comma-separated list of id:base64'],
    ['KEY_ENCRYPTION_KEYS', `a:${KEY},a:${KEY}`, 'must not use an id twice'],
    ['TEMPORAL_ADDRESS', 'a', 'must be host:port'],
    ['TEMPORAL_ADDRESS', 'a:', 'must be host:port'],
    ['TEMPORAL_ADDRESS', ':1', 'must be host:port'],
    ['TEMPORAL_ADDRESS', 'a:123456', 'must be host:port'],
    ['TEMPORAL_ADDRESS', 'a b:1', 'must be host:port'],
    ['TEMPORAL_ADDRESS', 'a:1/x', 'must be host:port'],
    ...['sk_live_', 'xsk_test_1', 'sk_test_1-', 'sk_prod_1', 'skk_test_1'].map((key) => [
      ...['STRIPE_SECRET_KEY', key, 'must be a Stripe secret key or restricted key (sk_… or rk_…)'],
    ]),
    ...['whsec_', 'xwhsec_1', 'whsec_1-', 'whsec_1,x'].map((secret) => [
      ...['STRIPE_WEBHOOK_SECRETS', secret, 'must be a comma-separated list of webhook secrets (whsec_…)'],
    ]),
  ] as [string, string, string][])('%s refuses %s in words', (name, value, words) => {
    expect(problemWith({ [name]: value })).toBe(`  - ${name} ${words}`);
  });

  it('of a live key does not go with the stand-in', () => {
    const STRIPE_API_URL = 'http://localhost:12111';
    const words = '  - STRIPE_API_URL cannot be used with a live STRIPE_SECRET_KEY';
    for (const key of ['sk_live_1', 'rk_live_1']) {
      expect(problemWith({ STRIPE_SECRET_KEY: key, STRIPE_API_URL })).toBe(words);
      expect(configWith({ STRIPE_SECRET_KEY: key }).STRIPE_SECRET_KEY).toBe(key);
    }
    const test = { STRIPE_SECRET_KEY: 'sk_test_1', STRIPE_API_URL };
    expect(configWith(test)).toMatchObject(test);
    expect(configWith({ STRIPE_API_URL })).toMatchObject({ STRIPE_API_URL });
  });

  it('has its default where nothing is set', () => {
    const schema = z.object({ a: flag(true), b: flag(false), c: port(1), d: count(2), e: whole(3, 1, 5) });
    expect(parseSettings('test', schema, {})).toEqual({ a: true, b: false, c: 1, d: 2, e: 3 });
  });
});

describe('all settings', () => {
  it('are told together what is wrong with each, under the name of the program', () => {
    const schema = z.object({ a: z.string(), b: count(1), nested: z.object({ c: z.string() }) });
    expect(() => parseSettings('test', schema, { b: '0' })).toThrow(
      new Error(
        'The test cannot start with these settings:\n' +
          '  - a is missing\n' +
          `  - b must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}\n` +
          '  - nested is missing',
      ),
    );
  });

  it('that are wrong end the program with 78 and say what to do', () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    const read = (): never => {
      throw new Error('Wrong.');
    };
    expect(settingsOrExit(() => 1)).toBe(1);
    expect(() => settingsOrExit(read)).toThrow('exit 78');
    expect(() => settingsOrExit(read, 'Usage: x\n')).toThrow('exit 78');
    const advice = 'See .env.example for a description of each setting.\n';
    expect(written).toEqual([`Wrong.\n${advice}`, `Wrong.\nUsage: x\n${advice}`]);
    expect(exit).toHaveBeenCalledTimes(2);
  });

  it('are read from the environment', () => {
    for (const [name, value] of Object.entries(required)) vi.stubEnv(name, value);
    vi.stubEnv('API_PORT', '4000');
    expect(readConfig()).toMatchObject({ API_PORT: 4_000, AUTH_SECRET: required.AUTH_SECRET });
  });
});
