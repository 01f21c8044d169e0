import { mkdtempSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * Downloads the `temporal` CLI with the SDK to the given path, for platforms without a wheel and machines without
 * Python. The SDK downloads it only to start a server, so this starts and stops one.
 */
const [program = ''] = process.argv.slice(2);
mkdirSync(dirname(program), { recursive: true });
const downloadDir = mkdtempSync(`${program}-`);
try {
  const executable = { type: 'cached-download', downloadDir } as const;
  const environment = await TestWorkflowEnvironment.createLocal({ server: { executable } });
  await environment.teardown();
  const [file = ''] = readdirSync(downloadDir);
  renameSync(join(downloadDir, file), program);
} finally {
  rmSync(downloadDir, { recursive: true, force: true });
}
