import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/test/**/*.test.ts', 'openspec/*.test.ts'],
    exclude: ['**/node_modules/**', '.cache/**', '**/*.proof.test.ts'],
    globalSetup: ['api/test/support/template.ts'],
    pool: 'forks',
    // Two cores carry the servers as well as the tests.
    maxWorkers: 2,
    // Four times what `until` waits: a busy machine needs it.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
