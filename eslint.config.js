import globals from 'globals';
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

/** A way out of a leaf's own folder into another of the repository. */
const outside = '\\.\\./(api|migrations|workers|sdk|dashboard|cli|actions|dev|e2e|workflows)/';

/** Who may import what: each row names a folder and what its files must not reach for. */
const arrows = [
  {
    files: ['workflows/src/**/*.ts'],
    patterns: [
      {
        regex: `^(?!\\.|@temporalio/workflow$)|${outside}`,
        message: 'workflows is a pure leaf: it imports itself and @temporalio/workflow.',
      },
    ],
  },
  {
    files: ['migrations/src/**/*.ts'],
    patterns: [
      {
        regex: '^@sentryagent/|\\.\\./\\.\\./(api|workflows|sdk|dev)',
        message: 'migrations import nothing of ours.',
      },
    ],
  },
  {
    files: ['api/src/platform/**/*.ts'],
    patterns: [
      {
        regex: '/(models|services|http)/|/(config|deps)\\.ts$',
        message: 'platform is the lowest layer of the API: it takes the settings that it needs.',
      },
    ],
  },
  {
    files: ['api/src/models/**/*.ts'],
    patterns: [
      { regex: '/(services|http)/|/(config|deps|main)\\.ts$', message: 'models stand on platform alone.' },
    ],
  },
  {
    files: ['api/src/services/**/*.ts'],
    patterns: [
      {
        regex:
          '/(http|keys-rotate|stripe-setup|two-factor-off|billing-events|billing-reconcile)/|/(config|deps|main)\\.ts$',
        message:
          'services know neither HTTP nor all settings nor all of Deps: ask for the part that you use.',
      },
      { regex: '^(koa|@koa/)', message: 'services know nothing of Koa.' },
    ],
  },
  {
    files: ['api/src/services/{audit,usage}/**/*.ts'],
    patterns: [
      {
        regex: '/http/|/(config|deps|main)\\.ts$|^(koa|@koa/)|^\\.\\./[a-z-]+/',
        message: 'audit and usage need no other service.',
      },
    ],
  },
  {
    files: ['sdk/src/**/*.ts'],
    patterns: [
      { regex: `^(?!\\.)|${outside}`, message: 'the SDK has no dependency: it must run in a browser too.' },
    ],
  },
  {
    files: ['dashboard/src/**/*.{ts,svelte}', 'e2e/**/*.ts'],
    patterns: [
      {
        regex: '^@sentryagent/(?!sdk$)|\\.\\./(api|workflows|migrations)/',
        message: 'only the SDK: this side knows the API by HTTP.',
      },
    ],
  },
  {
    files: ['loadtests/**/*.ts'],
    patterns: [
      {
        regex: '^@sentryagent/(?!sdk$)|\\.\\./(api|workflows|migrations|workers|dashboard|e2e)/',
        message: 'load tests know the API by HTTP, and the launcher that starts it.',
      },
    ],
  },
  {
    files: ['loadtests/bench/metering/parts/*.ts'],
    patterns: [
      {
        regex: '^@sentryagent/|\\.\\./(workflows|migrations|workers|dashboard|e2e)/',
        message: 'these programs run parts of the API, which are measured alone.',
      },
    ],
  },
  {
    files: ['cli/**/*.ts', 'actions/**/*.ts'],
    patterns: [
      {
        regex: `^@sentryagent/(?!sdk$)|${outside}`,
        message: 'only the SDK: this side knows the API by HTTP.',
      },
    ],
  },
  {
    files: ['dev/stripe/src/**/*.ts'],
    patterns: [
      { regex: '^@sentryagent/|\\.\\./\\.\\./', message: 'the Stripe stand-in imports nothing of ours.' },
    ],
  },
  {
    files: ['workers/**/*.ts', 'dev/src/**/*.ts', 'dev/test/**/*.ts'],
    patterns: [
      { regex: '@sentryagent/api/http|api/src/http', message: 'the HTTP layer is for the API alone.' },
    ],
  },
];

const environment = {
  selector:
    'MemberExpression[object.name="process"][property.name="env"], ' +
    'VariableDeclarator[init.name="process"] > ObjectPattern > Property[key.name="env"], ' +
    'ImportDeclaration[source.value=/^(node:)?process$/] > ImportSpecifier[imported.name="env"]',
  message: "Only a program's config.ts reads the environment.",
};

/** `no-restricted-imports`, which judges the arrows, sees neither of them. */
const hiddenImport = {
  selector: 'ImportExpression, TSImportType',
  message: 'Import at the top of the file: the rules of imports see no other import.',
};

/** What a name of ours ends with that stands for a secret or for what proves one; a constant in capitals does not. */
const SECRET =
  '/(^|[a-z_])([hH]ash|[sS]ecret|[mM]ac|[sS]ignature|[dD]igest|[tT]oken|[fF]ingerprint|[aA]uthTag)$/';

/** A value of such a name, a function of it, or what a call on it answers. */
const secretValue = `:matches(${[
  `Identifier[name=${SECRET}]`,
  `MemberExpression[property.name=${SECRET}]`,
  `CallExpression[callee.name=${SECRET}]`,
  `CallExpression[callee.property.name=${SECRET}]`,
  `CallExpression[callee.object.name=${SECRET}]`,
  `CallExpression[callee.object.property.name=${SECRET}]`,
].join(', ')})`;

/** Whether there is one, and of which kind, tells nothing of its characters. */
const comparison = [
  'BinaryExpression[operator=/^[!=]==?$/]',
  ':not(:has(> Literal))',
  ':not(:has(> Identifier[name="undefined"]))',
  ':not(:has(> UnaryExpression[operator="typeof"]))',
].join('');

const message =
  'Compare secrets, hashes and signatures by timingSafeEqual: how long another way takes tells where they differ.';

const secretComparisons = [
  { selector: `${comparison} > ${secretValue}`, message },
  { selector: `${comparison} > :matches(ChainExpression, TSNonNullExpression) > ${secretValue}`, message },
  { selector: 'CallExpression[callee.property.name=/^(equals|compare)$/]', message },
];

export default tseslint.config(
  {
    ignores: [
      '**/node_modules/',
      '.cache/',
      '.data/',
      '**/generated/',
      'dashboard/build/',
      'dashboard/.svelte-kit/',
      '**/dist/',
    ],
  },
  ...tseslint.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.node } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', environment, hiddenImport],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60 }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['dashboard/**'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser }, globals: { ...globals.browser } },
  },
  {
    files: ['dashboard/src/**'],
    languageOptions: { globals: { ...globals.browser } },
  },
  ...arrows.map(({ files, patterns }) => ({
    files,
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  })),
  {
    files: ['{api,workers,sdk}/src/**/*.ts', 'dashboard/src/**/*.{ts,svelte}'],
    rules: { 'no-restricted-syntax': ['error', environment, hiddenImport, ...secretComparisons] },
  },
  {
    files: ['**/config.ts'],
    rules: { 'no-restricted-syntax': ['error', hiddenImport] },
  },
  {
    files: ['dev/*.mjs', 'dev/src/bootstrap.mjs'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/test/**', '**/*.test.ts', 'e2e/**'],
    rules: {
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      'no-restricted-syntax': ['error', hiddenImport],
    },
  },
);
