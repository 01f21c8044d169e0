const words = (text) => text.trim().split(/\s+/);

/** Modules of the API that talk to no server, also through no client that they are given. */
const pureApi = {
  platform: words(`
    address cached client-secret clock close-all coalesce envelope every field-problem ids in-time keyring metrics oauth-error page
    plain-words principal problem public-jwk remember resource-uri service-state settings
  `),
  http: words(`
    admit agent-shapes answer-errors challenge check-message client-authentication/* credential-terms database-problems
    device-cookie documents email etag gate json-text openapi paging parse require-billing resource-shapes
    route text wait-words web-headers
  `),
  services: words(`
    agents/agent-details audit/chain audit/entry clients/client-refusal clients/proof health/probe-services health/watch-health mail/kinds
    mail/plain mail/render-mail mail/sealed-data mail/templates/* people/check-password resource-grants/resource-grants
    signing-keys/key-stages tokens/access-token tokens/claims tokens/grants/* tokens/revocations usage/attempt
    usage/free-tier-limit usage/batch usage/local-rate usage/other-counts usage/own-counts usage/totals
    usage/up-to-date-days two-factor/recovery-codes two-factor/sealed-secret two-factor/totp
  `),
};

const apiFiles = Object.entries(pureApi).flatMap(([folder, names]) =>
  names.map((name) => `api/src/${folder}/${name}.ts`),
);

/** These of the dashboard's server call the API. */
const dashboardCallers = [
  'account',
  'agent-credentials',
  'agent-page',
  'agent-status',
  'api',
  'config',
  'edit-agent',
  'onboarding',
  'proxy',
  'resource-grants',
  'session',
  'two-factor',
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
    'api/src/config.ts',
    ...apiFiles,
  ],
  concurrency: 2,
  // What a module computes when it is loaded concerns every test of it: hours in a run of everything.
  ignoreStatic: !process.argv.includes('--mutate'),
  incremental: true,
  incrementalFile: '.cache/stryker/incremental.json',
  tempDirName: '.cache/stryker/sandboxes',
  ignorePatterns: ['.cache', '.data', '.ci', 'e2e', 'loadtests', 'dashboard/build', 'dashboard/.svelte-kit'],
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: '.cache/stryker/report.json' },
  thresholds: { high: 95, low: 90, break: 90 },
};
