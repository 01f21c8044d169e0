import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Small files that take long. */
const LONG = /\/(renewal|trial|shutdown|load-test|stopping)\.test\.ts$/;

/** Vitest starts with the largest files. Without this, a small one that takes long would run alone at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const [long = [], others = []] = [true, false].map((isLong) =>
      files.filter(({ moduleId }) => LONG.test(moduleId) === isLong),
    );
    return [...long, ...(await super.sort(others))];
  }
}

export default defineConfig({
  test: {
    include: ['**/test/**/*.test.ts', 'openspec/*.test.ts'],
    exclude: ['**/node_modules/**', '.cache/**', '**/*.proof.test.ts'],
    sequence: { sequencer: LongFirst },
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
