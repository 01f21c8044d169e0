import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, markInstalled } from './installed.mjs';
import { withLock } from './lock.mjs';
import { nodePackage, runsTypeScript } from './node-version.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = join(root, '.cache');

const seconds = (start) => `${((Date.now() - start) / 1000).toFixed(0)} s`;

/** Runs npm with the first Node in PATH. Prints its errors, but not its progress. */
const npm = (args, doing) =>
  new Promise((resolve, reject) => {
    const start = Date.now();
    console.log(`${doing} …`);
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--no-update-notifier'];
    const child = spawn('npm', [...args, ...quiet], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', (error) => reject(new Error(`Running npm failed: ${error.message}`)));
    child.on('exit', (code) => {
      if (code !== 0)
        return reject(new Error(`\`npm ${args.join(' ')}\` failed. Fix the error above and try again.`));
      console.log(`${doing}: done in ${seconds(start)}`);
      resolve();
    });
  });

/** Installs Node in `.cache/node` with npm if it is missing. Returns its path. */
const cachedNode = async () => {
  const wanted = nodePackage(process.platform, process.arch);
  if (!wanted) {
    throw new Error(
      `SentryAgent needs Node 22.18 or newer, but this is ${process.versions.node}. Install a newer one from https://nodejs.org`,
    );
  }
  const prefix = join(cache, 'node');
  const folder = join(prefix, 'node_modules', wanted.name);
  const isThere = () => {
    const manifest = join(folder, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === wanted.version;
  };
  await withLock(join(cache, 'node.lock'), async () => {
    if (isThere()) return;
    mkdirSync(prefix, { recursive: true });
    const names = ['--no-save', '--no-package-lock', `${wanted.name}@${wanted.version}`];
    await npm(
      ['install', '--prefix', prefix, ...names],
      `This Node is ${process.versions.node}: fetching ${wanted.version}`,
    );
  });
  return join(folder, 'bin/node');
};

/** npm puts `node_modules/.bin` first in the PATH of its scripts, so `npm run check` uses the newer Node too. */
const linkNode = (node) => {
  const link = join(root, 'node_modules/.bin/node');
  if (existsSync(link) && realpathSync(link) === realpathSync(node)) return;
  rmSync(link, { force: true });
  symlinkSync(node, link);
};

/** Installs a Node that runs TypeScript, and the packages of the lockfile, if they are missing. Returns the path of Node. */
const prepare = async () => {
  const node = runsTypeScript(process.versions.node) ? process.execPath : await cachedNode();
  process.env.PATH = [dirname(node), process.env.PATH].join(delimiter);
  await withLock(join(cache, 'install.lock'), async () => {
    if (!isInstalled(root)) {
      await npm(['ci'], 'Installing the packages (once, about a minute)');
      markInstalled(root);
    }
    if (node !== process.execPath) linkNode(node);
  });
  return node;
};

/**
 * Runs the entry file with another Node, in its own process group, so that one Ctrl-C reaches it only once. If this
 * process is killed, the closed IPC channel tells the child to stop.
 */
const relaunch = (node, entry) => {
  const child = spawn(node, [entry, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  let signaled = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (!signaled) child.kill(signal);
      signaled = true;
    });
  }
  child.on('error', (error) => {
    console.error(`Running ${node} failed (${error.message}). Install Node 24 from https://nodejs.org`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
};

/**
 * A signal that is sent only to npm (by `kill` or a supervisor) never reaches this process. So it stops when npm exits.
 * Without npm it does not: a launcher in the background must outlive its shell.
 */
const stopWithNpm = () => {
  if (!process.env.npm_lifecycle_event) return;
  const { ppid } = process;
  setInterval(() => {
    if (process.ppid !== ppid) process.kill(process.pid, 'SIGTERM');
  }, 250).unref();
};

/**
 * Runs a TypeScript file of this folder. Installs Node and the packages first if necessary.
 * @param {string} [file] if omitted, only Node and the packages are installed
 * @param {() => void} [onFailure] runs after the error of a failed installation is printed
 */
export const launch = async (file, onFailure) => {
  const node = await prepare().catch((error) => {
    console.error(error.message);
    onFailure?.();
    process.exit(1);
  });
  if (!file) return;
  stopWithNpm();
  const entry = new URL(file, import.meta.url);
  if (node === process.execPath) await import(entry.href);
  else relaunch(node, fileURLToPath(entry));
};
