import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settings as workerSettings } from '../../workers/src/config.ts';
import { parseConfig, settings } from '../src/config.ts';
import { KEY, required } from './support/required-settings.ts';

const defaults = {
  API_HOST: '127.0.0.1',
  API_PORT: 3000,
  HTTP_KEEP_ALIVE_MS: 65_000,
  PUBLIC_URL: 'http://localhost:3000',
  DASHBOARD_URL: 'http://localhost:3001',
  DB_POOL_MAX: 20,
  DB_POOL_MIN: 2,
  DB_POOL_IDLE_TIMEOUT_MS: 30_000,
  DB_POOL_CONNECTION_TIMEOUT_MS: 5_000,
  REDIS_RATE_LIMIT_ENABLED: true,
  RATE_LIMIT_WINDOW_MS: 60_000,
  RATE_LIMIT_MAX_REQUESTS: 100,
  REDIS_TIMEOUT_MS: 100,
  SIGN_UP_MAX_PER_MINUTE: 60,
  TRUSTED_PROXIES: ['loopback'],
  TOKEN_TTL_SECONDS: 900,
  BILLING_ENABLED: true,
  TRIAL_DAYS: 0,
  TEMPORAL_NAMESPACE: 'default',
  STRIPE_WEBHOOK_SECRETS: [],
  USAGE_FLUSH_INTERVAL_MS: 60_000,
  METRICS_HOST: '127.0.0.1',
  METRICS_PORT: 9464,
  METRICS_MAX_TENANTS: 100,
  LOG_LEVEL: 'info',
};

const problemsOf = (env: Record<string, string>): string[] => {
  try {
    parseConfig(env);
  } catch (error) {
    const [heading, ...problems] = (error as Error).message.split('\n');
    expect(heading).toBe('The API cannot start with these settings:');
    return problems;
  }
  return [];
};

/** The names of the settings that the problems are about. */
const namesIn = (problems: string[]): string[] =>
  problems.map((line) => /^ {2}- ([A-Z_]+) /.exec(line)?.[1] ?? line);

describe('parseConfig', () => {
  it('takes what is documented where nothing is set', () => {
    const { APP_DATABASE_URL, AUTH_SECRET, KEY_ENCRYPTION_KEYS, CLIENT_SECRET_PEPPERS, ...rest } =
      parseConfig(required);
    expect(rest).toEqual(defaults);
    expect({ APP_DATABASE_URL, AUTH_SECRET }).toEqual({
      APP_DATABASE_URL: required.APP_DATABASE_URL,
      AUTH_SECRET: required.AUTH_SECRET,
    });
    expect([KEY_ENCRYPTION_KEYS.current.id, CLIENT_SECRET_PEPPERS.current.id]).toEqual(['k1', 'p1']);
  });

  it('takes an empty value for an absent one', () => {
    const empty = Object.fromEntries(Object.keys(settings.shape).map((name) => [name, '']));
    expect(parseConfig({ ...empty, ...required })).toMatchObject(defaults);
    expect(namesIn(problemsOf(empty)).sort()).toEqual(Object.keys(required).sort());
  });

  it('Every wrong setting is named at once', () => {
    const problems = problemsOf({
      ...required,
      AUTH_SECRET: '',
      CLIENT_SECRET_PEPPERS: '',
      API_PORT: 'canary',
    });
    expect(problems.sort()).toEqual([
      expect.stringMatching(/^ {2}- API_PORT /),
      '  - AUTH_SECRET is missing',
      '  - CLIENT_SECRET_PEPPERS is missing',
    ]);
  });

  it.each([
    ['APP_DATABASE_URL', ['canary', 'mysql://canary', 'http://canary/db']],
    ['REDIS_URL', ['canary', 'http://canary']],
    ['AUTH_SECRET', ['canary', 'x'.repeat(31)]],
    [
      'KEY_ENCRYPTION_KEYS',
      ['canary', 'k1:canary', `canary canary:${KEY}`, `k1:${KEY},k1:${KEY}`, `k1:${KEY},`, KEY],
    ],
    ['CLIENT_SECRET_PEPPERS', ['canary', `p1:${Buffer.alloc(31).toString('base64')}`]],
    ['API_PORT', ['canary', '-1', '65536', '30.5']],
    ['HTTP_KEEP_ALIVE_MS', ['canary', '999', '3600001', '1000.5']],
    [
      'PUBLIC_URL',
      ['canary', 'http://canary/', 'http://canary/api', 'ftp://canary', 'https://Canary.test', 'canary.test'],
    ],
    ['DASHBOARD_URL', ['canary', 'http://canary:80', 'http://user@canary', 'http://canary?x']],
    ['DB_POOL_MAX', ['0', '-1', 'canary', '1.5']],
    ['DB_POOL_MIN', ['-1', 'canary']],
    ['RATE_LIMIT_WINDOW_MS', ['0', 'canary']],
    ['RATE_LIMIT_MAX_REQUESTS', ['0', 'Infinity', '1e400']],
    ['SIGN_UP_MAX_PER_MINUTE', ['0', 'canary']],
    ['REDIS_TIMEOUT_MS', ['9', '5001', 'canary']],
    ['REDIS_RATE_LIMIT_ENABLED', ['canary', '1', 'TRUE', 'yes']],
    ['BILLING_ENABLED', ['canary', '0']],
    ['TOKEN_TTL_SECONDS', ['59', '3601', 'canary']],
    ['TRUSTED_PROXIES', ['canary', '10.0.0.1/33', 'loopback,canary']],
    ['TEMPORAL_ADDRESS', ['canary', 'http://canary:7233', 'canary:port']],
    ['STRIPE_SECRET_KEY', ['canary', 'pk_test_canary', 'sk_canary']],
    ['STRIPE_API_URL', ['canary', 'http://canary/v1']],
    ['STRIPE_WEBHOOK_SECRETS', ['canary', 'whsec_1,canary']],
    ['METRICS_PORT', ['canary', '65536']],
    ['METRICS_MAX_TENANTS', ['canary', '-1', '10001']],
    ['LOG_LEVEL', ['canary', 'INFO']],
  ])('refuses a wrong %s, and prints no value', (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ ...required, [name]: value });
      expect([value, namesIn(problems)]).toEqual([value, [name]]);
      // The words of a refused value: none is repeated.
      expect(problems.join('\n').toLowerCase()).not.toContain('canary');
    }
  });

  it('takes several keys, of which the first is current', () => {
    const old = Buffer.alloc(32, 2);
    const bytes = (key: KeyObject | undefined) => key?.export();
    const { KEY_ENCRYPTION_KEYS: keys } = parseConfig({
      ...required,
      KEY_ENCRYPTION_KEYS: `new:${KEY}, old:${old.toString('base64')}`,
    });
    expect([keys.current.id, bytes(keys.current.key)]).toEqual(['new', Buffer.from(KEY, 'base64')]);
    expect([bytes(keys.find('old')), keys.find('other')]).toEqual([old, undefined]);
  });
});

describe('.env.example', () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const lines = read('.env.example').split('\n');
  const pairs = lines.flatMap((line, i) => {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, value: value ?? '', comment: lines[i - 1] ?? '' }];
  });
  const quotedNames = (path: string): string[] =>
    [...read(path).matchAll(/'([A-Z]+(?:_[A-Z]+)*)'/g)].map(([, name]) => name!);

  it('Every setting is documented', () => {
    const programs = [
      ...Object.keys({ ...settings.shape, ...workerSettings.shape }),
      ...[
        'migrations/src/config.ts',
        'dev/src/config.ts',
        'dashboard/src/lib/server/parse-config.ts',
      ].flatMap(quotedNames),
      // These are read by the server that the dashboard is built with.
      ...['HOST', 'PORT', 'ADDRESS_HEADER', 'XFF_DEPTH'],
    ];
    const names = pairs.map(({ name }) => name);
    expect([...names].sort()).toEqual([...new Set(programs)].filter((name) => name !== 'PATH').sort());
    expect(new Set(names).size).toBe(names.length);
  });

  it('has nothing but settings and comments, each setting below what it is for', () => {
    expect(lines.filter((line) => !/^(#.*|[A-Z_]+=.*)?$/.test(line))).toEqual([]);
    for (const { name, comment } of pairs)
      expect([name, comment]).toEqual([name, expect.stringMatching(/^# \S/)]);
  });

  it('shows the API’s own defaults', () => {
    const unset = [
      ...Object.keys(required),
      ...['REDIS_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_API_KEY'],
      ...['STRIPE_SECRET_KEY', 'STRIPE_API_URL', 'STRIPE_WEBHOOK_SECRETS'],
    ];
    const shown = Object.fromEntries(
      pairs.filter(({ name }) => name in settings.shape).map(({ name, value }) => [name, value]),
    );
    const stated = Object.fromEntries(
      pairs.flatMap(({ name, comment }) => {
        const [, value] = /Default: ([^\s,]+)/.exec(comment) ?? [];
        return name in defaults && !unset.includes(name) ? [[name, value]] : [];
      }),
    );
    const expected = Object.fromEntries(
      Object.entries(defaults).flatMap(([name, value]) =>
        unset.includes(name) ? [] : [[name, String(value)]],
      ),
    );
    expect(stated).toEqual(expected);
    const absent = Object.fromEntries(unset.map((name) => [name, '']));
    expect(shown).toEqual({ ...expected, ...absent });
  });

  it('is accepted as it is once the required settings are given', () => {
    const example = Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
    expect(parseConfig({ ...example, ...required })).toMatchObject(defaults);
  });
});
