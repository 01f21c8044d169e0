import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { zoneOfAnotherDay } from '../src/test-zone.ts';
import { bareEnvironment } from './support/bare-environment.ts';

const dateIn = (timeZone: string, at: Date): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);

describe('Tests run in a zone of another day', () => {
  it.each(Array.from({ length: 24 }, (_, hour) => hour))('begun at %i o’clock UTC', (hour) => {
    const begun = Date.UTC(2026, 10, 28, hour);
    for (const minutes of [0, 59, 118]) {
      const at = new Date(Math.min(begun + minutes * 60_000, Date.UTC(2026, 10, 28, 23, 59)));
      const zone = zoneOfAnotherDay(new Date(Math.max(begun, at.getTime() - 59 * 60_000)));
      expect(dateIn(zone, at)).not.toBe('2026-11-28');
    }
  });

  it('these do, and so do the programs that they start', () => {
    expect([-12 * 60, 14 * 60]).toContain(-new Date().getTimezoneOffset());
    const script = 'process.stdout.write(String(new Date().getTimezoneOffset()))';
    const told = execFileSync(process.execPath, ['-e', script], { env: bareEnvironment });
    expect(Number(told)).toBe(new Date().getTimezoneOffset());
  });
});
