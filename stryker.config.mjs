/** Modules of the API that do no I/O and have tests without servers. docs/testing.md lists those still to come. */
const pureApi = {
  platform: ['address', 'close-all', 'envelope', 'ids', 'keep', 'keyring', 'remember'],
  http: [
    'challenge',
    'device-cookie',
    'email',
    'etag',
    'gate',
    'json-text',
    'parse',
    'plain-words',
    'wait-words',
  ],
  'services/mail': ['kinds', 'plain', 'render-mail'],
  'services/mail/templates': ['email-verification', 'expiring-credentials'],
  'services/signing-keys': ['key-stages'],
  'services/tokens': ['claims', 'revocations'],
  'services/usage': ['own-counts'],
};

const apiFiles = Object.entries(pureApi).flatMap(([folder, names]) =>
  names.map((name) => `api/src/${folder}/${name}.ts`),
);

/** These of the dashboard's server call the API. */
const dashboardCallers = [
  'account',
  'api',
  'config',
  'onboarding',
  'proxy',
  'session',
  'upgrade',
  'verification',
];

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutate.config.ts' },
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: [
    'workflows/src/rules/*.ts',
    'sdk/src/*.ts',
    'dashboard/src/lib/**/*.ts',
    ...dashboardCallers.map((name) => `!dashboard/src/lib/server/${name}.ts`),
    ...apiFiles,
  ],
  concurrency: 2,
  incremental: true,
  incrementalFile: '.cache/stryker/incremental.json',
  tempDirName: '.cache/stryker/sandboxes',
  ignorePatterns: ['.cache', '.data', '.ci', 'e2e', 'loadtests', 'dashboard/build', 'dashboard/.svelte-kit'],
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: '.cache/stryker/report.json' },
  thresholds: { high: 95, low: 90, break: 90 },
};
