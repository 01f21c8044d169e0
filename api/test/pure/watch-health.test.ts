import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Seen } from '../../src/platform/service-state.ts';
import { watchHealth } from '../../src/services/health/watch-health.ts';
import { until } from '../../../dev/test/support/until.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

it('Each change of a service is logged once with its cause', async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (text: string) => void lines.push(JSON.parse(text)) });
  const why = (message: string): Error => Object.assign(new Error(message), { code: message });
  const seen: Seen[] = [
    { state: 'connected' },
    { state: 'connected' },
    { state: 'degraded', cause: why('25006') },
    { state: 'degraded', cause: why('25006') },
    { state: 'disconnected', cause: why('ECONNREFUSED') },
    { state: 'disconnected', cause: why('ECONNREFUSED') },
    { state: 'connected' },
    { state: 'connected' },
  ];
  let looks = 0;
  const watch = await watchHealth(
    {
      database: async () => seen[looks++]!,
      redis: () => ({ state: 'disconnected', cause: why('ENOTFOUND') }),
      temporal: () => ({ state: 'disabled' }),
    },
    logger,
  );
  while (looks < seen.length) {
    vi.advanceTimersByTime(2_000);
    await until('the look is noted', () => watch.current().database === seen[looks - 1]!.state);
    await new Promise(setImmediate);
  }
  watch.stop();
  expect(lines.map(({ level, msg, err }) => [level, msg, (err as Error & { code: string })?.code])).toEqual([
    [40, 'redis is disconnected', 'ENOTFOUND'],
    [40, 'database is degraded', '25006'],
    [40, 'database is disconnected', 'ECONNREFUSED'],
    [30, 'database is connected', undefined],
  ]);
  expect(watch.current()).toEqual({ database: 'connected', redis: 'disconnected', temporal: 'disabled' });
});

it('A service that does not answer within a second is degraded, unless it was worse', async () => {
  const answers: Seen[] = [{ state: 'connected' }];
  const late = Promise.withResolvers<Seen>();
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ base: null }, { write: (text: string) => void lines.push(JSON.parse(text)) });
  const watch = await watchHealth(
    {
      database: () => answers.shift() ?? late.promise,
      redis: () => (lines.length === 0 ? { state: 'disconnected', cause: new Error('away') } : late.promise),
    },
    logger,
  );
  vi.advanceTimersByTime(2_000);
  await until('the database is slow', () => watch.current().database !== 'connected');
  expect(watch.current()).toEqual({ database: 'degraded', redis: 'disconnected' });
  expect(lines.map(({ msg, err }) => [msg, (err as Error).message])).toEqual([
    ['redis is disconnected', 'away'],
    ['database is degraded', 'database did not answer within 1000 ms'],
  ]);
  late.resolve({ state: 'connected' });
  await until('both are back', () => Object.values(watch.current()).every((state) => state === 'connected'));
  watch.stop();
  answers.push({ state: 'disconnected' });
  vi.advanceTimersByTime(10_000);
  expect(answers).toHaveLength(1);
});
