import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { createChildren } from '../src/children.ts';
import type { Children } from '../src/children.ts';
import { isProgram } from '../src/find-program.ts';
import type { Part } from '../src/part.ts';
import { redis } from '../src/parts/redis.ts';
import { temporal } from '../src/parts/temporal.ts';
import { worker } from '../src/parts/worker.ts';
import { release } from '../src/pid-file.ts';
import { startPostgres } from '../src/postgres-server.ts';
import { freePort } from '../src/ports.ts';
import { readSecrets } from '../src/secrets.ts';
import { findTestTemporal, startTestPostgres, startTestRedis } from '../src/test-servers.ts';
import type { Place } from '../src/test-servers.ts';
import { fetchWheel } from '../src/wheel.ts';
import type { Wheel } from '../src/wheel.ts';
import { buildWorkflowBundle } from '../src/workflow-bundle.ts';
import { createDataDir } from './support/launcher.ts';
import { createBarePlace, createPlace as create } from './support/place.ts';

const LONG = 120_000;
const started: Children[] = [];

const createPlace = (dataDir?: string): Place => {
  const place = create(dataDir);
  started.push(place.children);
  return place;
};

const version = async (url: string): Promise<string> => {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  await client.end();
  return rows[0]!.server_version;
};

afterAll(async () => {
  for (const children of started) await children.stopAll();
}, LONG);

describe('the servers of the tests', { timeout: LONG }, () => {
  it('are two runs’ own: no port is shared', async () => {
    const places = [createPlace(), createPlace()];
    const urls = await Promise.all(
      places.flatMap((place) => [startTestPostgres(place), startTestRedis(place)]),
    );
    expect(new Set(urls.map((url) => new URL(url).port)).size).toBe(4);
    for (const url of [urls[0]!, urls[2]!]) expect(await version(url)).toMatch(/^18/);
  });

  it('must be had: without Redis or Temporal there are no tests', async () => {
    const bare = createBarePlace();
    await expect(startTestRedis(bare)).rejects.toThrow(/need Redis.*Install it with/s);
    await expect(findTestTemporal(bare)).rejects.toThrow(/need Temporal.*Install it: https:/s);
  });
});

describe('a wheel', () => {
  const wheel: Wheel = { name: 'tool', label: 'the tool', inside: 'tool-2.data/tool' };

  /** A machine whose Python does what pip and zipfile do, or fails. */
  const withPython = (pip: string): Place & { said: string[] } => {
    const place = createBarePlace();
    const searchPath = join(place.dataDir, 'bin');
    mkdirSync(searchPath);
    const unpack = 'mkdir -p "$5/tool-2.data" && echo "#!/bin/sh" > "$5/tool-2.data/tool"';
    const script = `#!/bin/sh\nif [ "$2" = zipfile ]; then ${unpack}; else ${pip}; fi\n`;
    writeFileSync(join(searchPath, 'python3'), script, { mode: 0o755 });
    const said: string[] = [];
    return { ...place, config: { ...place.config, searchPath }, said, say: (text) => said.push(text) };
  };
  const fetch = ({ config, children, say }: Place) => fetchWheel(wheel, config, children, say);
  const putsOne = 'while [ "$1" != -d ]; do shift; done; touch "$2/tool.whl"';

  it('is fetched once, in place of another version', async () => {
    const place = withPython(putsOne);
    mkdirSync(join(place.dataDir, 'tool/tool-1.data'), { recursive: true });
    const program = join(place.dataDir, 'tool/tool-2.data/tool');
    expect(await Promise.all([fetch(place), fetch(place)])).toEqual([program, program]);
    expect(isProgram(program)).toBe(true);
    expect(readdirSync(join(place.dataDir, 'tool'))).toEqual(['tool-2.data']);
    expect([await fetch(place), place.said.length]).toEqual([program, 2]);
  });

  it('that is refused leaves nothing in its place', async () => {
    const place = withPython('exit 1');
    expect(await fetch(place)).toBeUndefined();
    expect(existsSync(join(place.dataDir, 'tool'))).toBe(false);
    expect(place.said).toEqual(['fetching the tool by pip']);
  });
});

describe('npm start where a part cannot be had', () => {
  const start = (part: Part) => {
    const { config, children, dataDir } = createBarePlace();
    const secrets = readSecrets(dataDir);
    const progress = { detail: () => {} };
    return part.start({ config, children, secrets, watch: false, found: {}, progress });
  };

  it('A missing Redis does not stop the start', async () => {
    const { found, note } = await start(redis);
    expect(found).toBeUndefined();
    expect(note).toMatch(/limits are counted in memory.*(apt-get|brew) install.*REDIS_URL/);
  });

  it('Without Temporal the rest goes on', async () => {
    const { found, note } = await start(temporal);
    expect(found).toBeUndefined();
    expect(note).toMatch(/checkout and subscriptions are disabled.*https:.*TEMPORAL_ADDRESS/);
    expect(await start(worker)).toEqual({ note: 'not started, because it needs Temporal' });
  });
});

describe('the bundle of the workflows', () => {
  it('is built once for the same sources, and one of yesterday is removed', async () => {
    const root = createDataDir();
    const put = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    put('workflows/src/index.ts', 'one');
    put(
      'workers/src/build-bundle.ts',
      "import { writeFileSync } from 'node:fs';\nwriteFileSync(process.argv[2]!, String(Math.random()));",
    );
    const { config } = createPlace();
    const children = createChildren({ dataDir: root, root, env: config.env });
    started.push(children);
    const build = () => buildWorkflowBundle({ ...config, root, cacheDir: root }, children, () => {});
    const bundle = await build();
    const text = readFileSync(bundle, 'utf8');
    expect([await build(), readFileSync(bundle, 'utf8')]).toEqual([bundle, text]);

    utimesSync(bundle, 0, 0);
    put('workflows/src/index.ts', 'two');
    expect(await build()).not.toBe(bundle);
    expect(existsSync(bundle)).toBe(false);
  });
});

describe('postgres', { timeout: LONG }, () => {
  const settings = { password: 'only-for-tests', durable: false };

  it('ends a server that a killed launcher left on the same data, though nothing else tells of it', async () => {
    const first = createPlace();
    await startPostgres({ ...first, ...settings, port: await freePort() });
    release(first.dataDir);
    const second = createPlace(first.dataDir);
    const url = await startPostgres({ ...second, ...settings, port: await freePort() });
    expect(await first.children.died).toMatch(/^postgres exited unexpectedly/);
    expect(await version(url)).toMatch(/^18/);
  });

  it('starts though its lock file names a living process that is something else', async () => {
    const first = createPlace();
    await startPostgres({ ...first, ...settings, port: await freePort() });
    await first.children.stopAll();
    writeFileSync(join(first.dataDir, 'postgres/postmaster.pid'), `${process.pid}\n`);
    const second = createPlace(first.dataDir);
    const url = await startPostgres({ ...second, ...settings, port: await freePort() });
    expect(await version(url)).toMatch(/^18/);
  });

  it('begins anew what an interrupted start has left half done', async () => {
    const place = createPlace();
    mkdirSync(join(place.dataDir, 'postgres.new/base'), { recursive: true });
    await startPostgres({ ...place, ...settings, port: await freePort() });
  });

  it('says so when the password file was lost', async () => {
    const first = createPlace();
    await startPostgres({ ...first, ...settings, port: await freePort() });
    await first.children.stopAll();
    rmSync(join(first.dataDir, 'secrets.env'), { force: true });
    const second = createPlace(first.dataDir);
    const again = startPostgres({ ...second, ...settings, password: 'another', port: await freePort() });
    await expect(again).rejects.toThrow(/--reset/);
  });
});
