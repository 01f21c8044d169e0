import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** Linux reports processor time in hundredths of a second (proc(5)). */
const TICK_MICROS = 10_000;

/** Fields 4 and 14 to 17 of proc(5): the parent, and the time of the process and of its children that have exited. */
const readProcess = (pid: string): { parent: string; ticks: number } | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: fields[1]!, ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) };
  } catch {
    return undefined;
  }
};

/**
 * The processor time of this process and all processes that it has started, in microseconds. NaN if the system has
 * no `/proc`.
 */
export const readProcessorTime = (): number => {
  if (!existsSync('/proc/self/stat')) return NaN;
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const read = readProcess(pid);
      return read ? [{ pid, ...read }] : [];
    });
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const ticksBelow = (pid: string): number =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + child.ticks + ticksBelow(child.pid), 0);
  const own = processes.find(({ pid }) => pid === String(process.pid))!.ticks;
  return (own + ticksBelow(String(process.pid))) * TICK_MICROS;
};
