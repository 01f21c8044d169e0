import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Seen } from '../../src/platform/service-state.ts';
import { createProbes, probe } from '../../src/services/health/probe-services.ts';

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance', 'Date'] }),
);
afterEach(() => void vi.useRealTimers());

/** What a probe says of a service that answers after so long; `null`: never. */
const probeOf = async (ms: number | null, seen: Seen = { state: 'connected' }) => {
  const { promise, resolve } = Promise.withResolvers<Seen>();
  await vi.advanceTimersByTimeAsync(500);
  if (ms !== null) setTimeout(() => resolve(seen), ms);
  const probed = probe(() => promise);
  await vi.advanceTimersByTimeAsync(3_000);
  return probed;
};

describe('a probe', () => {
  it.each<[ms: number | null, seen: Seen | undefined, status: string, latencyMs: number | null]>([
    [5, undefined, 'healthy', 5],
    [1_000, undefined, 'healthy', 1_000],
    [1_001, undefined, 'degraded', 1_001],
    [1_200, undefined, 'degraded', 1_200],
    [1_999, undefined, 'degraded', 1_999],
    // The answer may be in a socket already, so the probe looks once more.
    [null, undefined, 'unreachable', 2_001],
    [5, { state: 'degraded' }, 'degraded', 5],
    [5, { state: 'disconnected' }, 'unreachable', 5],
    [1_200, { state: 'disconnected' }, 'unreachable', 1_200],
    [0, { state: 'disabled' }, 'disabled', null],
    // Measured by another process.
    [5, { state: 'connected', latencyMs: 70 }, 'healthy', 70],
    [5, { state: 'connected', latencyMs: 1_500 }, 'degraded', 1_500],
    [5, { state: 'degraded', latencyMs: null }, 'degraded', null],
  ])('of a service that answers after %s ms %j is %s, %s ms', async (ms, seen, status, latencyMs) => {
    expect(await probeOf(ms, seen)).toEqual({ status, latencyMs });
  });

  it('of a service that fails is unreachable, also if it fails at once', async () => {
    const fail = (): Seen => {
      throw new Error('refused');
    };
    expect((await probe(fail)).status).toBe('unreachable');
    expect((await probe(async () => fail())).status).toBe('unreachable');
  });
});

it('callers share a probe, also if a service is silent', async () => {
  let looks = 0;
  const probes = createProbes({
    fast: () => {
      looks += 1;
      return { state: 'connected' };
    },
    silent: () => new Promise<Seen>(() => {}),
  });
  const first = Promise.all(Array.from({ length: 100 }, () => probes()));
  await vi.advanceTimersByTimeAsync(2_001);
  const expected = {
    fast: { status: 'healthy', latencyMs: 0 },
    silent: { status: 'unreachable', latencyMs: 2_001 },
  };
  expect(new Set((await first).map((each) => JSON.stringify(each)))).toEqual(
    new Set([JSON.stringify(expected)]),
  );
  expect(looks).toBe(1);
});
