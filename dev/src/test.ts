import { join } from 'node:path';
import { createChildren } from './children.ts';
import { findChromium } from './chromium.ts';
import { readConfig } from './config.ts';
import type { Config, Environment } from './config.ts';
import { buildDashboard } from './dashboard-build.ts';
import { buildGoVerifier } from './go-verifier.ts';
import { takeOver } from './pid-file.ts';
import { PYTHON_TOOLS, fetchPipPackages } from './pip-packages.ts';
import { createProgress } from './progress.ts';
import { findPrometheus } from './prometheus.ts';
import { runVitest } from './run-vitest.ts';
import { stopRequest } from './stop-request.ts';
import { folderOfRun, removeDeadRuns, removeRun } from './test-runs.ts';
import { findTestTemporal, startTestPostgres, startTestRedis } from './test-servers.ts';
import { summaryLine } from './test-summary.ts';
import type { Summary } from './test-summary.ts';
import { zoneOfAnotherDay } from './test-zone.ts';
import { buildWorkflowBundle } from './workflow-bundle.ts';

const FAILED: Summary = { passed: 0, failed: 1 };

/** Starts the servers, runs the tests and stops everything. */
const run = async (config: Config): Promise<Summary> => {
  const folder = folderOfRun(config.cacheDir);
  await removeDeadRuns(config.cacheDir);
  await takeOver(folder);
  const children = createChildren({ ...config, dataDir: folder });
  const progress = createProgress(process.stdout);
  const place = { config, children, dataDir: folder, say: progress.detail };

  const part = async <T>(name: string, start: () => Promise<T>): Promise<T> => {
    progress.begin(name);
    const result = await start();
    progress.done();
    return result;
  };
  const stopped = Promise.race([stopRequest().then(() => 'The tests were stopped.'), children.died]);
  const start = async (): Promise<Environment> => {
    const env = {
      CHROMIUM_PATH: await part('chromium', () => findChromium(config, children, progress.detail)),
      TEST_DATABASE_URL: await part('postgres', () => startTestPostgres(place)),
      TEST_REDIS_URL: await part('redis', () => startTestRedis(place)),
      ...(await part('temporal', () => findTestTemporal(place))),
      ...(await part('prometheus', () => findPrometheus(config, children, progress.detail))),
      TEST_WORKFLOW_BUNDLE: await part('workflows', () =>
        buildWorkflowBundle(config, children, progress.detail),
      ),
      TEST_PYTHONPATH: await part('python', () =>
        fetchPipPackages(PYTHON_TOOLS, config, children, progress.detail),
      ),
      TEST_GO_VERIFIER: await part('go', () => buildGoVerifier(config, children, progress.detail)),
      SENTRYAGENT_DATA_DIR: folder,
    };
    await part('dashboard', () => buildDashboard(config, children, progress.detail));
    return env;
  };
  const stoppedEarly = stopped.then<never>((why) => {
    throw new Error(why);
  });
  try {
    const env = await Promise.race([start(), stoppedEarly]);
    return await runVitest(config, { args: process.argv.slice(2), folder, env, stopped });
  } finally {
    progress.fail('failed to start');
    await children.stopAll();
    await removeRun(folder);
  }
};

/** The environment of the tests and all programs that they start: the time zone, and a shared compile cache of Node. */
const forTests = (config: Config): Config => {
  const env = { TZ: zoneOfAnotherDay(new Date()), NODE_COMPILE_CACHE: join(config.cacheDir, 'compiled') };
  return { ...config, env: { ...config.env, ...env } };
};

const summary = await run(forTests(readConfig())).catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  return FAILED;
});
process.stdout.write(summaryLine(summary), () => process.exit(summary.failed === 0 ? 0 : 1));
