/** Modules of the API that do no I/O: what they need of the world is an argument. */
const pureApi = {
  '': ['config'],
  platform: [
    ...[
      'address',
      'client-secret',
      'clock',
      'close-all',
      'database-problems',
      'device-cookie',
      'envelope',
      'every',
    ],
    ...[
      'gate',
      'gather',
      'ids',
      'in-time',
      'keep',
      'keyring',
      'oauth-error',
      'principal',
      'problem',
      'public-jwk',
    ],
    ...['service-state', 'settings'],
  ],
  http: [
    ...[
      'agent-shapes',
      'answer-errors',
      'challenge',
      'check-message',
      'credential-terms',
      'documents',
      'email',
    ],
    ...[
      'etag',
      'json-text',
      'paging',
      'parse',
      'plain-words',
      'resource-shapes',
      'text',
      'wait-words',
      'web-headers',
    ],
  ],
  'http/client-authentication': [
    'client-secret-basic',
    'client-secret-post',
    'fields',
    'private-key-jwt',
    'secret',
  ],
  'services/agents': ['agent-details', 'page'],
  'services/audit': ['chain', 'entry'],
  'services/billing/checkout': ['already-subscribed'],
  'services/clients': ['client-refusal', 'proof'],
  'services/mail': ['kinds', 'plain', 'render-mail', 'sealed-data'],
  'services/mail/templates': ['email-verification', 'expiring-credentials'],
  'services/resource-grants': ['resource-grants'],
  'services/resources': ['resource-uri'],
  'services/signing-keys': ['key-stages'],
  'services/tokens': ['access-token', 'claims', 'revocations'],
  'services/tokens/grants': ['client-credentials', 'find-grant', 'scopes', 'target', 'token-exchange'],
  'services/usage': [
    'attempt',
    'free-tier-limit',
    'local-rate',
    'other-counts',
    'own-counts',
    'totals',
    'up-to-date-days',
  ],
};

const apiFiles = Object.entries(pureApi).flatMap(([folder, names]) =>
  names.map((name) => ['api/src', folder, `${name}.ts`].filter(Boolean).join('/')),
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

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
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
