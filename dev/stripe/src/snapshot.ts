import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { emptyState } from './state.ts';
import type { State } from './state.ts';

const SAVE_MS = 200;

export interface Snapshot {
  state: State;
  /** Says that something changed: it is written within 200 ms. */
  changed(): void;
  /** Writes what is not yet written. */
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

/** The state, kept in a file of one owner (it holds webhook secrets); without a file in memory alone. */
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
