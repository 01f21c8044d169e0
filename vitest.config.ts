import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/test/**/*.test.ts', 'openspec/*.test.ts'],
    exclude: ['**/node_modules/**', '.cache/**', '**/*.proof.test.ts'],
    globalSetup: ['api/test/support/template.ts'],
    pool: 'forks',
    // A worker loads the API once for all of its files, which takes as long as many of them.
    isolate: false,
    // Two cores carry the servers as well as the tests, and many tests wait for what a server finds out by itself.
    maxWorkers: 4,
    // Twice what `until` waits: a busy machine needs it.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
