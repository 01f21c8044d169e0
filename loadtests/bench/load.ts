import { connect } from 'node:net';
import { readProcessorTime } from './processor-time.ts';

export interface Load {
  connections: number;
  ms: number;
}

/** The result of one candidate under one load. Times are in milliseconds. */
export interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
  /** The processor time that all processes took for each, the client's too, in microseconds. NaN if it is unknown. */
  processorMicros: number;
}

/** A server on a local port, and the requests to send to it. */
export interface HttpTarget {
  name: string;
  port: number;
  next(): Buffer;
}

const HEAD_END = '\r\n\r\n';

/** Where the chunks that start at `from` end (RFC 9112, section 7.1), if they are complete. */
const chunksEnd = (text: string, from: number): number | undefined => {
  for (let at = from; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    at = line + 2 + size + 2;
    if (text.length < at) return undefined;
    if (size === 0) return at;
  }
};

/** The length of the first response in the text, if it is complete. */
const answerLength = (text: string): number | undefined => {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [head, body] = [text.slice(0, end), end + HEAD_END.length];
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return chunksEnd(text, body);
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (length === undefined) throw new Error(`an answer without a length:\n${head}`);
  const whole = body + Number(length);
  return text.length < whole ? undefined : whole;
};

/** Sends requests one after another on one connection. Each response must be a 200. */
const keepAsking = ({ name, port, next }: HttpTarget, end: number, latencies: number[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let sent = 0;
    let text = '';
    const send = (): void => {
      sent = performance.now();
      socket.write(next());
    };
    const take = (data: Buffer): void => {
      text += data.toString('latin1');
      const length = answerLength(text);
      if (length === undefined) return;
      if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`${name} answered:\n${text.slice(0, length)}`);
      text = text.slice(length);
      const now = performance.now();
      latencies.push(now - sent);
      if (now < end) return send();
      socket.destroy();
      resolve();
    };
    socket.on('connect', send);
    socket.on('data', (data) => {
      try {
        take(data);
      } catch (error) {
        socket.destroy();
        reject(error as Error);
      }
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${name} closed a connection`)));
  });

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Runs the loop of each connection until its end. */
const measureLoops = async (
  { connections, ms }: Load,
  loop: (end: number, latencies: number[]) => Promise<void>,
): Promise<Measured> => {
  const latencies: number[] = [];
  const processorBefore = readProcessorTime();
  const started = performance.now();
  await Promise.all(Array.from({ length: connections }, () => loop(started + ms, latencies)));
  const seconds = (performance.now() - started) / 1_000;
  const processorAfter = readProcessorTime();
  const sorted = Float64Array.from(latencies).sort();
  return {
    perSecond: latencies.length / seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    processorMicros: (processorAfter - processorBefore) / latencies.length,
  };
};

/**
 * A closed loop: a fixed number of connections, each with one pending request. The client is small because it shares
 * the CPU cores with the server that it measures.
 */
export const measureHttp = (target: HttpTarget, load: Load): Promise<Measured> =>
  measureLoops(load, (end, latencies) => keepAsking(target, end, latencies));

/**
 * A closed loop of other work. Each turn reports how long its steps took. The loop ends early if there is nothing left
 * to do.
 */
export const measureTurns = (load: Load, turn: () => Promise<number[]>): Promise<Measured> =>
  measureLoops(load, async (end, latencies) => {
    while (performance.now() < end) {
      const took = await turn();
      if (took.length === 0) return;
      latencies.push(...took);
    }
  });

/** How long it took, in milliseconds. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};
