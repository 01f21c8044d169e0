import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = 'node_modules/.sentryagent-lock';

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * Names a lockfile on a platform: packages with native parts differ between platforms.
 * @param {string} lockfile its text
 */
export const stampOf = (lockfile, platform = `${process.platform}-${process.arch}`) =>
  `${createHash('sha256').update(lockfile).digest('hex')} ${platform}\n`;

/**
 * Whether npm's own record of what it installed has every package of the lockfile (optional ones may be missing).
 * @param {string} lockfile
 * @param {string} record
 */
export const isComplete = (lockfile, record) => {
  const [wanted, found] = [JSON.parse(lockfile).packages, JSON.parse(record).packages];
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const entry = found[path];
    return entry ? entry.version === version && entry.integrity === integrity : Boolean(optional);
  });
};

/**
 * Whether node_modules holds what package-lock.json says. After an `npm install` by hand it does, so npm's record
 * is asked before packages are installed again.
 * @param {string} root
 */
export const isInstalled = (root) => {
  const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const [stamp, record] = [read(join(root, STAMP)), read(join(root, 'node_modules/.package-lock.json'))];
  const [expected, platform] = [stampOf(lockfile), stampOf('').split(' ')[1]];
  if (!record || (stamp && !stamp.endsWith(` ${platform}`))) return false;
  if (stamp === expected) return true;
  if (!isComplete(lockfile, record)) return false;
  markInstalled(root);
  return true;
};

/** @param {string} root */
export const markInstalled = (root) =>
  writeFileSync(join(root, STAMP), stampOf(readFileSync(join(root, 'package-lock.json'), 'utf8')));
