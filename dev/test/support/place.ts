import { createChildren } from '../../src/children.ts';
import { parseConfig } from '../../src/config.ts';
import type { Environment } from '../../src/config.ts';
import type { Place } from '../../src/test-servers.ts';
import { createDataDir } from './launcher.ts';
import { bareEnvironment } from './bare-environment.ts';

/** Where a test starts servers of its own; the run ends what it leaves. */
export const createPlace = (dataDir = createDataDir(), env: Environment = {}): Place => {
  const { config } = parseConfig({ ...bareEnvironment, ...env });
  return { config, children: createChildren({ ...config, dataDir }), dataDir, say: () => {} };
};

/** The same on a machine that has nothing installed, nothing fetched, no Python and no network. */
export const createBarePlace = (): Place => {
  const dataDir = createDataDir();
  // Nothing listens on port 9 (discard).
  const place = createPlace(dataDir, { HTTPS_PROXY: 'http://127.0.0.1:9' });
  return { ...place, config: { ...place.config, dataDir, cacheDir: dataDir, searchPath: '' } };
};
