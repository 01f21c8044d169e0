import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findChromium } from '../src/chromium.ts';
import { createBarePlace } from './support/place.ts';

it('A Chromium that does not run is passed over', async () => {
  const { config, children, dataDir, say } = createBarePlace();
  const program = (name: string, script: string): string => {
    const path = join(dataDir, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  program('chromium-browser', 'echo "requires the chromium snap to be installed" >&2; exit 1');
  const chrome = program('google-chrome', 'echo "Google Chrome 150.0"');
  expect(await findChromium({ ...config, searchPath: dataDir }, children, say)).toBe(chrome);
});
