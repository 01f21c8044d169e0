import type { KeyObject } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { gather } from './gather.ts';
import { unavailable } from './problem.ts';

/** Resolves to the signature in base64url. Problem: `service_unavailable`, where the thread has died. */
export type Sign = (input: string) => Promise<string>;

/** Signs by ES256 (RFC 7518 section 3.4) on a thread of its own. */
export interface Signer {
  by(privateKey: KeyObject): Sign;
  stop(): Promise<void>;
}

/** What the thread is sent; it answers with the signatures, in this order. */
export interface SignRequest {
  privateKey: KeyObject;
  inputs: string[];
}

interface Waiting {
  resolve: (signatures: string[]) => void;
  reject: (reason: unknown) => void;
}

const FILE = new URL(`./sign-worker${extname(import.meta.url)}`, import.meta.url);

/**
 * What a turn of the event loop brings goes over in one message. To hand each signature to Node's thread pool costs
 * the event loop up to 19 µs of each token's 110, since every one wakes a thread; so it costs 3.
 */
export const createSigner = (): Signer => {
  let thread: Worker | undefined;
  const waiting: Waiting[] = [];

  const fail = (reason: unknown): void => {
    thread = undefined;
    for (const { reject } of waiting.splice(0)) reject(unavailable(reason));
  };
  const start = (): Worker => {
    const started = new Worker(FILE);
    started.unref();
    started.on('message', (signatures: string[]) => waiting.shift()?.resolve(signatures));
    started.on('error', fail);
    started.on('exit', () => thread === started && fail(new Error('the signing thread has ended')));
    return started;
  };
  const ask = (request: SignRequest): Promise<string[]> =>
    new Promise((resolve, reject) => {
      thread ??= start();
      waiting.push({ resolve, reject });
      thread.postMessage(request);
    });

  return {
    by: (privateKey) => gather((inputs: string[]) => ask({ privateKey, inputs })),
    stop: async () => {
      await thread?.terminate();
    },
  };
};
