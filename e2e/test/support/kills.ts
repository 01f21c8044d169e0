import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Failpoint } from '../../../workers/test/support/failpoints.ts';
import type { Program } from './processes.ts';

const HOOKS = new URL('../../../workers/test/support/failpoint-hooks.ts', import.meta.url).href;

/** Kills the worker at a failpoint of one tenant. */
export interface Kills {
  /** What the worker is told. */
  environment: Record<string, string>;
  arm(tenantId: string, point: Failpoint): void;
  /** Whether the worker has not reached the tenant's failpoint yet. */
  isArmed(tenantId: string): boolean;
  remove(): void;
}

export const createKills = (): Kills => {
  const folder = mkdtempSync(join(tmpdir(), 'sentryagent-'));
  const fileOf = (tenantId: string): string => join(folder, tenantId);
  return {
    environment: { NODE_OPTIONS: `--import=${HOOKS}`, FAILPOINTS: folder },
    arm: (tenantId, point) => writeFileSync(fileOf(tenantId), point),
    isArmed: (tenantId) => existsSync(fileOf(tenantId)),
    remove: () => rmSync(folder, { recursive: true }),
  };
};

/** Starts the program again whenever it has been killed, also while it starts, until it is stopped. */
export const supervise = ({ ended, start }: Program) => {
  let kills = 0;
  const follow = async (): Promise<void> => {
    for (let signal = await ended(); signal === 'SIGKILL'; signal = await ended()) {
      kills += 1;
      await start().catch(() => {});
    }
  };
  return { kills: (): number => kills, done: follow() };
};
