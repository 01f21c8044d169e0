import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { processesOf } from '../../../dev/test/support/launcher.ts';
import { root } from './run-programs.ts';

/** The program with this process id has ended what it started, and deleted its files. */
export const expectNothingLeft = (pid: number): void => {
  const folder = `${root}.cache/test-${pid}`;
  expect(existsSync(folder)).toBe(false);
  expect(processesOf(folder)).toEqual([]);
};
