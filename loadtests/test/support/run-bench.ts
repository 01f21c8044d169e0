import { spawn } from 'node:child_process';

export const root = new URL('../../../', import.meta.url).pathname;

interface Ended {
  pid: number;
  code: number | null;
  out: string;
  err: string;
}

/** Runs the bench as a person does, without what this test run has set for itself. */
export const bench = (args: string[]): Promise<Ended> => {
  const own = /^(NODE_ENV|VITEST.*|TEST_.*|SENTRYAGENT_DATA_DIR)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  const child = spawn(process.execPath, ['loadtests/bench/main.ts', ...args], { cwd: root, env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += String(data)));
  child.stderr.on('data', (data) => (err += String(data)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ pid: child.pid!, code, out, err })));
};
