import { spawn } from 'node:child_process';

export const root = new URL('../../../', import.meta.url).pathname;

interface Ended {
  pid: number;
  code: number | null;
  out: string;
  err: string;
}

/** Runs a program of this folder as a person does, without what this test run has set for itself. */
const run = (program: string, args: string[]): Promise<Ended> => {
  const own = /^(NODE_ENV|VITEST.*|TEST_.*|SENTRYAGENT_DATA_DIR)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
  const child = spawn(process.execPath, [program, ...args], { cwd: root, env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += String(data)));
  child.stderr.on('data', (data) => (err += String(data)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ pid: child.pid!, code, out, err })));
};

export const bench = (args: string[]): Promise<Ended> => run('loadtests/bench/main.ts', args);
export const loadTest = (args: string[]): Promise<Ended> => run('loadtests/k6/main.ts', args);
