import { readFileSync, readdirSync } from 'node:fs';

/** Linux counts in hundredths of a second. */
const TICK_MS = 10;

interface Used {
  parent: number;
  ms: number;
}

/** The fields after the name of the program, which is in brackets and can contain anything. */
const readUsed = (pid: string): Used | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    // It has exited.
    return undefined;
  }
};

/** The processor time of this process and of all that it has started, in milliseconds. `NaN`: not on this system. */
export const processorMs = (): number => {
  if (process.platform !== 'linux') return Number.NaN;
  const processes = new Map<number, Used>();
  for (const name of readdirSync('/proc')) {
    const used = /^\d+$/.test(name) ? readUsed(name) : undefined;
    if (used) processes.set(Number(name), used);
  }
  const isOurs = (pid: number): boolean =>
    pid === process.pid || (processes.has(pid) && isOurs(processes.get(pid)!.parent));
  return [...processes].reduce((sum, [pid, { ms }]) => (isOurs(pid) ? sum + ms : sum), 0);
};
