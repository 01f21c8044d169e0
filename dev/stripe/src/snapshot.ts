import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { emptyState } from './state.ts';
import type { State } from './state.ts';

const SAVE_MS = 200;

export interface Snapshot {
  state: State;
  /** Schedules a write within 200 ms. */
  changed(): void;
  /** Writes pending changes. */
  save(): void;
}

const load = (file: string): Partial<State> => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<State>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new Error(`Reading the state in ${file} failed: ${(error as Error).message}`);
  }
};

/**
 * Loads and stores the state. Only the owner can read the file, because it has webhook secrets. Without a file, the
 * state is only in memory.
 */
export const openSnapshot = (file: string | undefined): Snapshot => {
  const state = { ...emptyState(), ...(file && load(file)) };
  let timer: NodeJS.Timeout | undefined;
  const save = (): void => {
    clearTimeout(timer);
    if (file && timer) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    }
    timer = undefined;
  };
  return { state, save, changed: () => void (timer ??= setTimeout(save, SAVE_MS)) };
};
