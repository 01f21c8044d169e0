import { join } from 'node:path';
import type { Children } from './children.ts';
import { answers, listens, waitFor } from './wait-for.ts';

export interface TemporalSettings {
  program: string;
  children: Children;
  dataDir: string;
  port: number;
  uiPort: number;
}

/** Two to four times as fast as the default SQLite settings (measured). A power cut can lose the last commits. */
const TUNING = [
  ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
  ...['--dynamic-config-value', 'matching.numTaskqueueReadPartitions=1'],
  ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
];

/** An operator can pause a workflow. It is off by default. */
const FEATURES = ['--dynamic-config-value', 'frontend.WorkflowPauseEnabled=true'];

/** Starts Temporal on 127.0.0.1, with its state in the data folder. Returns its address. */
export const startTemporal = async (settings: TemporalSettings): Promise<string> => {
  const { program, children, dataDir, port, uiPort } = settings;
  const places = { '--ip': '127.0.0.1', '--port': String(port), '--ui-port': String(uiPort) };
  const database = join(dataDir, 'temporal.db');
  const flags = { ...places, '--db-filename': database, '--log-level': 'error' };
  children.serve({
    name: 'temporal',
    argv: [
      program,
      'server',
      'start-dev',
      ...Object.entries(flags).flat(),
      '--ui-disable-news-fetch',
      ...TUNING,
      ...FEATURES,
    ],
  });
  await waitFor('Temporal', () => listens('127.0.0.1', port));
  await waitFor('Temporal’s UI', () => answers(`http://127.0.0.1:${uiPort}/`));
  return `127.0.0.1:${port}`;
};
