import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Repeats the check until it returns true. An error counts as false. */
export const waitFor = async (
  what: string,
  check: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (await check().catch(() => false)) return;
    await wait(50);
  }
  throw new Error(`${what} did not answer within ${timeoutMs / 1000} s.`);
};

/** Whether a GET of the URL returns 200. */
export const answers = async (url: string): Promise<boolean> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  await response.body?.cancel();
  return response.status === 200;
};

/** Whether something accepts connections there. */
export const listens = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within 5 s')));
    socket.on('error', reject);
  });
