import { sign } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { SignRequest } from './signer.ts';

/** The thread of `createSigner`: what cannot be signed ends it, and is told by its end. */
parentPort?.on('message', ({ privateKey, inputs }: SignRequest) => {
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signatures = inputs.map((input) => sign('sha256', Buffer.from(input), key).toString('base64url'));
  parentPort?.postMessage(signatures);
});
