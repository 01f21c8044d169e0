import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** No work under a lock takes longer. The process id in an older file has been reused by another process. */
const STALE_MS = 15 * 60_000;

const take = (path) => {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
};

const isAbandoned = (path) => {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
    process.kill(Number(readFileSync(path, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
};

/**
 * Removes an abandoned lock. Returns whether it did. One process at a time may: between a check and a removal, another
 * could remove the file and take the lock.
 */
const removeAbandoned = (path) => {
  const guard = `${path}.guard`;
  if (!take(guard)) {
    if (isAbandoned(guard)) rmSync(guard, { force: true });
    return false;
  }
  try {
    if (!isAbandoned(path)) return false;
    rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(guard, { force: true });
  }
};

/**
 * Does the work while no other process that asks for the same lock does; takes the lock of a dead process over.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export const withLock = async (path, work) => {
  mkdirSync(dirname(path), { recursive: true });
  while (!take(path)) {
    if (!isAbandoned(path) || !removeAbandoned(path)) await wait(100);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
};
