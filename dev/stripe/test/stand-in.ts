import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../../test/support/bare-environment.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export interface StripeStandIn {
  url: string;
  port: number;
  /** Ends it as a person does: it saves what it has. */
  stop(): Promise<void>;
  /** Ends it as a power cut does. */
  kill(): Promise<void>;
  /** A request to `/_dev…`; answers its JSON. */
  dev<T = unknown>(path: string, init?: RequestInit): Promise<T>;
}

/** The local stand-in for Stripe in a process of its own, on a free port unless one is given, with Stripe's schema. */
export const startStripe = async (
  options: { dataFile?: string; port?: number } = {},
): Promise<StripeStandIn> => {
  const child = spawn(process.execPath, [path('../src/main.ts')], {
    env: {
      ...bareEnvironment,
      STRIPE_PORT: String(options.port ?? 0),
      STRIPE_DATA_FILE: options.dataFile ?? '',
      STRIPE_SCHEMA: path('./fixtures/stripe-openapi.json'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        said += String(data);
        const match = /on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(said);
        if (match) resolve(Number(match[1]));
      });
    }
    child.once('exit', (code) => reject(new Error(`the stand-in for Stripe ended (${code}):\n${said}`)));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    dev: async <T>(control: string, init?: RequestInit) =>
      (await (await fetch(`${url}/_dev${control}`, init)).json()) as T,
  };
};
