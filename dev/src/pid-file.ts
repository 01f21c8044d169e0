import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, signal, startOf } from './process-identity.ts';

interface Entry {
  name: string;
  pid: number;
  start: string | undefined;
  stopSignal: NodeJS.Signals;
}

interface PidFile {
  launcher?: Entry;
  children: Entry[];
}

const fileIn = (dataDir: string): string => join(dataDir, 'pids.json');

const read = (dataDir: string): PidFile => {
  try {
    return JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as PidFile;
  } catch {
    return { children: [] };
  }
};

const write = (dataDir: string, content: PidFile): void =>
  writeFileSync(fileIn(dataDir), `${JSON.stringify(content, null, 2)}\n`);

const entryOf = (name: string, pid: number, stopSignal: NodeJS.Signals): Entry => ({
  name,
  pid,
  start: startOf(pid),
  stopSignal,
});

const isAlive = ({ pid, start }: Entry): boolean => start !== undefined && startOf(pid) === start;

/** The launcher that uses this folder, unless it is this process. */
export const runningLauncher = (dataDir: string): number | undefined => {
  const { launcher } = read(dataDir);
  return launcher && launcher.pid !== process.pid && isAlive(launcher) ? launcher.pid : undefined;
};

/** Stops the launcher that uses this folder, unless it is this process. */
export const endLauncher = async (dataDir: string): Promise<void> => {
  const pid = runningLauncher(dataDir);
  if (pid) await endProcess(pid, 'SIGTERM');
};

/** Stops what a launcher left running in this folder, the newest first. */
export const endLeftovers = async (dataDir: string): Promise<void> => {
  for (const entry of read(dataDir).children.toReversed()) {
    if (!isAlive(entry)) continue;
    await endProcess(entry.pid, entry.stopSignal);
    signal(-entry.pid, 'SIGKILL');
  }
};

/** Takes over the folder from a launcher that was killed or has exited. */
export const takeOver = async (dataDir: string): Promise<void> => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // The folder can exist already, and some servers write files that others may read.
  chmodSync(dataDir, 0o700);
  await endLeftovers(dataDir);
  write(dataDir, { launcher: entryOf('launcher', process.pid, 'SIGTERM'), children: [] });
};

/** Called last, after the launcher has stopped its children. */
export const release = (dataDir: string): void => rmSync(fileIn(dataDir), { force: true });

/** Records a child as soon as it exists, in case this process is killed. */
export const noteChild = (dataDir: string, name: string, pid: number, stopSignal: NodeJS.Signals): void => {
  const content = read(dataDir);
  write(dataDir, { ...content, children: [...content.children, entryOf(name, pid, stopSignal)] });
};

export const forgetChild = (dataDir: string, pid: number): void => {
  const content = read(dataDir);
  write(dataDir, { ...content, children: content.children.filter((entry) => entry.pid !== pid) });
};
