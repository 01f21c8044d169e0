import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const ps = (field: string, pid: number): string =>
  execFileSync('ps', ['-ww', '-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();

/** On Linux, `/proc` has the data, and `ps` may not be installed. */
const hasProc = existsSync('/proc/self/stat');

/**
 * Field 3 is the state, and field 22 the start in clock ticks since boot (proc(5)). The name in field 2 can contain
 * spaces.
 */
const startedByProc = (pid: number): string | undefined => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return `${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
};

/**
 * The start time of the process. Together with the id it identifies a process, even if the system reuses the id.
 * `undefined` if there is no such process, or only a zombie.
 */
export const startOf = (pid: number): string | undefined => {
  try {
    return hasProc ? startedByProc(pid) : ps('lstart', pid) || undefined;
  } catch {
    return undefined;
  }
};

/** The command line. Empty if there is no such process. */
export const commandOf = (pid: number): string => {
  try {
    return hasProc ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : ps('command', pid);
  } catch {
    return '';
  }
};

/** Signals the process, or its group if the id is negative. Returns whether it existed. */
export const signal = (pid: number, name: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
};

/** Signals a process that is not our child. Kills it after 5 s. */
export const endProcess = async (pid: number, name: NodeJS.Signals): Promise<void> => {
  const start = startOf(pid);
  if (!start) return;
  const isGone = (): boolean => startOf(pid) !== start;
  signal(pid, name);
  for (let i = 0; i < 100 && !isGone(); i++) await wait(50);
  if (!isGone()) signal(pid, 'SIGKILL');
  for (let i = 0; i < 100 && !isGone(); i++) await wait(50);
};
