import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createTemporal } from '../../src/platform/temporal.ts';
import { freePort } from '../../../dev/src/ports.ts';
import { required } from '../../../dev/test/support/required.ts';
import { until } from '../../../dev/test/support/until.ts';

/** A Temporal of a test's own, to be frozen at will. */
export interface TemporalServer {
  /** As a URL, for a proxy. */
  url: string;
  /** Stops the process without ending it: the kernel still takes its connections. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Starts it again. With `--db-filename` it has what it had. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export const startTemporalServer = async (more: string[] = []): Promise<TemporalServer> => {
  const address = `127.0.0.1:${await freePort()}`;
  const flags = ['--headless', '--ip', '127.0.0.1', '--port', address.split(':')[1]!, '--log-level', 'error'];
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(required('TEST_TEMPORAL_PROGRAM'), ['server', 'start-dev', ...flags, ...more], {
      stdio: 'ignore',
    });
    const temporal = createTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' });
    await until('the Temporal of the test serves', async () => (await temporal.look()).state === 'connected');
    await temporal.close();
  };
  const kill = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    url: `tcp://${address}`,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    start,
    close: kill,
  };
};
