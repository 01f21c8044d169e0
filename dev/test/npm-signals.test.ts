import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { LONG, createDataDir, ports, processesOf } from './support/launcher.ts';

/** A supervisor, or `kill`, knows npm's process alone; a shell between the two would keep the signal to itself. */
it.each(['SIGTERM', 'SIGINT'] as const)(
  'A %s to npm alone ends everything, and npm ends well',
  { timeout: LONG },
  async (signal) => {
    const dataDir = createDataDir();
    const npm = spawn('npm', ['start'], {
      env: {
        ...process.env,
        SENTRYAGENT_DATA_DIR: dataDir,
        DATABASE_URL: '',
        REDIS_URL: '',
        ...(await ports()),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const exited = once(npm, 'exit');
    let text = '';
    npm.stdout.on('data', (data) => {
      text += String(data);
      if (text.includes('Ctrl-C to stop everything')) npm.kill(signal);
    });
    expect(await exited).toEqual([0, null]);
    expect(text).toContain('Stopped. Your data is in ');
    if (process.platform === 'linux') expect(processesOf(dataDir)).toEqual([]);
  },
);
