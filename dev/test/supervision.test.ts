import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createChildren } from '../src/children.ts';
import type { Children } from '../src/children.ts';
import { withLock } from '../src/lock.mjs';
import { endLeftovers, runningLauncher, takeOver } from '../src/pid-file.ts';
import { signal, startOf } from '../src/process-identity.ts';
import { waitFor } from '../src/wait-for.ts';
import { bareEnvironment } from './support/bare-environment.ts';
import { childrenIn, createDataDir } from './support/launcher.ts';

const node = (script: string): string[] => [process.execPath, '-e', script];
const stay = 'setInterval(() => {}, 1000);';

const create = (): { children: Children; dataDir: string } => {
  const dataDir = createDataDir();
  return { dataDir, children: createChildren({ dataDir, root: dataDir, env: bareEnvironment }) };
};

describe('children', () => {
  it('that fail are told with the end of their log', async () => {
    const { children } = create();
    const argv = node('console.log("one\\ntwo"); process.exit(3)');
    await expect(children.run({ name: 'job', argv })).rejects.toThrow(
      'job exited unexpectedly (exit code 3). The last lines of its log, logs/job.log:\n    one\n    two',
    );
  });

  it('that cannot be run are told', async () => {
    const { children } = create();
    await expect(children.run({ name: 'job', argv: ['/no/such/program'] })).rejects.toThrow('ENOENT');
  });

  it('that take too long are ended', async () => {
    const { children } = create();
    await expect(children.run({ name: 'job', argv: node(stay), timeoutMs: 300 })).rejects.toThrow(
      'took too long',
    );
  });

  it('are ended the youngest first, with all that they started', async () => {
    const { children, dataDir } = create();
    const log = join(dataDir, 'order');
    const script = (name: string) =>
      `process.on('SIGTERM', () => { require('fs').appendFileSync('${log}', '${name} '); process.exit(0); });
       require('child_process').spawn(process.execPath, ['-e', '${stay}']).unref(); console.log('up'); ${stay}`;
    for (const name of ['first', 'second']) {
      children.serve({ name, argv: node(script(name)) });
      const file = join(dataDir, `logs/${name}.log`);
      await waitFor(name, () => Promise.resolve(readFileSync(file, 'utf8').includes('up')));
    }
    const groups = childrenIn(dataDir).map(({ pid }) => -pid);
    await children.stopAll();
    expect(readFileSync(log, 'utf8')).toBe('second first ');
    const isGone = (group: number) => waitFor(`${group}`, () => Promise.resolve(!signal(group, 0)), 5_000);
    await Promise.all(groups.map(isGone));
  });

  it('that do not listen are killed', async () => {
    const { children, dataDir } = create();
    children.serve({
      name: 'deaf',
      argv: node(`process.on('SIGTERM', () => {}); console.log('up'); ${stay}`),
    });
    const file = join(dataDir, 'logs/deaf.log');
    await waitFor('deaf', () => Promise.resolve(readFileSync(file, 'utf8').includes('up')));
    const { pid } = childrenIn(dataDir)[0]!;
    await children.stopAll();
    expect(startOf(pid)).toBeUndefined();
    expect(() => children.serve({ name: 'late', argv: node(stay) })).toThrow('is stopping');
  });

  it('that end although they were to stay are reported', async () => {
    const { children } = create();
    children.serve({ name: 'brief', argv: node('') });
    expect(await children.died).toContain('brief exited unexpectedly (exit code 0)');
  });
});

describe('the pid file', () => {
  const sleeper = () => spawn(process.execPath, ['-e', stay], { detached: true, stdio: 'ignore' });
  const write = (dataDir: string, pid: number, start: string | undefined): void => {
    const entry = { name: 'sleeper', pid, start, stopSignal: 'SIGTERM' };
    writeFileSync(join(dataDir, 'pids.json'), JSON.stringify({ launcher: entry, children: [entry] }));
  };

  it('ends a process that a killed launcher left', async () => {
    const [dataDir, child] = [createDataDir(), sleeper()];
    write(dataDir, child.pid!, startOf(child.pid!));
    expect(runningLauncher(dataDir)).toBe(child.pid);
    const exited = once(child, 'exit');
    await endLeftovers(dataDir);
    await exited;
  });

  it('leaves a process alone that has the number of one that is gone', async () => {
    const [dataDir, child] = [createDataDir(), sleeper()];
    write(dataDir, child.pid!, '12345 another-boot');
    expect(runningLauncher(dataDir)).toBeUndefined();
    await takeOver(dataDir);
    expect(startOf(child.pid!)).toBeDefined();
    expect(childrenIn(dataDir)).toEqual([]);
    child.kill('SIGKILL');
  });
});

describe('a lock', () => {
  it('lets one in at a time', async () => {
    const path = join(createDataDir(), 'a.lock');
    let [inside, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await wait(30);
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, work)));
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('of a dead process is taken over', async () => {
    const path = join(createDataDir(), 'a.lock');
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    writeFileSync(path, String(child.pid));
    expect(await withLock(path, () => Promise.resolve('in'))).toBe('in');
  });

  it('of a dead process is taken over by one process only', async () => {
    const path = join(createDataDir(), 'a.lock');
    writeFileSync(path, '4194304');
    let entered = false;
    // Another process takes the lock over just after this one has seen that its process is dead.
    const kill = vi.spyOn(process, 'kill').mockImplementationOnce(() => {
      writeFileSync(path, String(process.ppid));
      throw Object.assign(new Error('kill ESRCH'), { code: 'ESRCH' });
    });
    const done = withLock(path, () => Promise.resolve((entered = true)));
    await wait(300);
    kill.mockRestore();
    expect(entered).toBe(false);
    rmSync(path);
    await done;
    expect(entered).toBe(true);
  });
});
