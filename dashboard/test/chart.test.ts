import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { axisOf, tickWords } from '../src/lib/usage/chart/axis.ts';
import { chartOf, dayAt } from '../src/lib/usage/chart/geometry.ts';

const FIRST = Date.UTC(2026, 9, 25);

const daysWith = (counts: readonly number[]) =>
  counts.map((count, i) => ({ day: new Date(FIRST + i * 86_400_000).toISOString().slice(0, 10), count }));

const month = (last: number) => daysWith([...Array<number>(29).fill(0), last]);

describe('the scale', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [5, [0, 2, 4, 6]],
    [12, [0, 5, 10, 15]],
    [820, [0, 500, 1_000]],
    [1_000, [0, 500, 1_000]],
    [1_037, [0, 500, 1_000, 1_500]],
    [48_211, [0, 20_000, 40_000, 60_000]],
  ])('of %i has the steps %j', (highest, ticks) => {
    expect(axisOf(highest)).toEqual({ max: ticks.at(-1), ticks });
  });

  it('holds every count in at most four even steps, and is never twice too high', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000_000_000 }), (highest) => {
        const { max, ticks } = axisOf(highest);
        expect(max).toBeGreaterThanOrEqual(highest);
        expect(ticks.length).toBeLessThanOrEqual(5);
        expect(ticks.every((tick, i) => Number.isInteger(tick) && tick === i * ticks[1]!)).toBe(true);
        expect(max - ticks[1]!).toBeLessThan(highest);
      }),
    );
  });

  it.each([
    [0, '0'],
    [1_000, '1,000'],
    [9_999, '9,999'],
    [12_500, '12.5K'],
    [2_000_000, '2M'],
  ])('writes %i as %s', (value, words) => {
    expect(tickWords(value)).toBe(words);
  });
});

describe('the bars', () => {
  it('fill the width in order, none outside it, today last', () => {
    const { bars } = chartOf(month(5), 1_000);
    expect(bars).toHaveLength(30);
    for (const [i, { x, width }] of bars.entries()) {
      expect(x).toBeGreaterThanOrEqual(i === 0 ? 0 : bars[i - 1]!.x + bars[i - 1]!.width);
      expect(x + width).toBeLessThanOrEqual(100);
    }
    expect(bars.filter(({ isToday }) => isToday).map(({ day }) => day)).toEqual(['2026-11-23']);
  });

  it('are as high as their counts, to scale, and end at the base', () => {
    const { bars } = chartOf(daysWith([0, 250, 500, 1_000]), 1_000);
    expect(bars.map(({ height }) => height)).toEqual([0, 25, 50, 100]);
    expect(bars.map(({ y, height }) => y + height)).toEqual([100, 100, 100, 100]);
  });

  it('show one call of a thousand, but none for none', () => {
    const [none, one] = chartOf(daysWith([0, 1, 1_000]), 1_000).bars;
    expect(none?.height).toBe(0);
    expect(one?.height).toBe(1.5);
  });

  it('mark the days at which the limit is reached', () => {
    expect(chartOf(daysWith([999, 1_000, 1_001]), 1_000).bars.map(({ isFull }) => isFull)).toEqual([
      false,
      true,
      true,
    ]);
    expect(chartOf(daysWith([5_000]), null).bars.map(({ isFull }) => isFull)).toEqual([false]);
  });
});

describe('the line of the limit', () => {
  it.each([
    ['at its height', [1_000], 1_000, { y: 0 }],
    ['below a higher bar', [2_000], 1_000, { y: 50 }],
    ['above bars of a fifth', [200], 1_000, { y: 0 }],
    ['at the top of an empty chart', [0], 1_000, { y: 0 }],
    ['out of scale above low bars', [199], 1_000, { y: null }],
    ['nowhere without a limit', [199], null, null],
  ])('is %s', (_case, counts, limit, line) => {
    expect(chartOf(daysWith(counts), limit).limit).toEqual(line);
  });

  it('does not flatten low bars', () => {
    expect(chartOf(month(12), 1_000).bars.at(-1)?.height).toBe(80);
  });
});

it('labels every fifth day back from today, every tenth on a narrow screen', () => {
  const { labels } = chartOf(month(0), null);
  expect(labels.map(({ day }) => day.slice(5))).toEqual([
    '10-29',
    '11-03',
    '11-08',
    '11-13',
    '11-18',
    '11-23',
  ]);
  expect(labels.filter(({ isMinor }) => !isMinor).map(({ day }) => day.slice(5))).toEqual([
    '11-03',
    '11-13',
    '11-23',
  ]);
  expect(labels.at(-1)).toMatchObject({ x: 100, anchor: 'end' });
});

it.each([
  [-0.1, 0],
  [0, 0],
  [0.034, 1],
  [0.5, 15],
  [0.999, 29],
  [1, 29],
  [1.2, 29],
])('the pointer at %d of the width is over day %i', (part, index) => {
  expect(dayAt(part, 30)).toBe(index);
});

it('finds the bar under the pointer', () => {
  const { bars } = chartOf(month(0), null);
  for (const [i, { x, width }] of bars.entries()) expect(dayAt((x + width / 2) / 100, 30)).toBe(i);
});
