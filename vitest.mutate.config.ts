import { defineConfig } from 'vitest/config';

/** The tests that need no server: those that `npm run mutate` judges. `npm test` runs them as well. */
export default defineConfig({
  test: {
    include: [
      'workflows/test/*rules.test.ts',
      'sdk/test/**/*.test.ts',
      'dashboard/test/**/*.test.ts',
      'api/test/pure/**/*.test.ts',
      'api/test/{config,documented-codes}.test.ts',
    ],
    exclude: ['**/node_modules/**'],
  },
});
