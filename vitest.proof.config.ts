import { defineConfig } from 'vitest/config';

/** What judges time, and long proofs: one file after another, on a machine that does nothing else. */
export default defineConfig({
  test: {
    include: ['**/test/**/*.proof.test.ts'],
    exclude: ['**/node_modules/**', '.cache/**'],
    globalSetup: ['api/test/support/template.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});
