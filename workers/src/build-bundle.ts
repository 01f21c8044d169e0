import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';

const [, , output] = process.argv;
if (!output) {
  process.stderr.write('Usage: node workers/src/build-bundle.ts <output file>\n');
  process.exit(2);
}
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(import.meta.resolve('@sentryagent/workflows/bundle-entry')),
  logger: new DefaultLogger('WARN'),
});
mkdirSync(dirname(output), { recursive: true });
// Rename, so that a worker that starts now never reads half a file.
writeFileSync(`${output}.${process.pid}`, code);
renameSync(`${output}.${process.pid}`, output);
