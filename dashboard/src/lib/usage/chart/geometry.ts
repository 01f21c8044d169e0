import { axisOf, tickWords } from './axis.ts';

/** A count of one UTC day, such as "2026-11-24". */
export interface DayCount {
  day: string;
  count: number;
}

/** Positions and sizes are percentages of the drawing, which has no width of its own: text stays at its size. */
export interface Bar extends DayCount {
  x: number;
  width: number;
  y: number;
  height: number;
  isToday: boolean;
  /** The daily limit is reached. */
  isFull: boolean;
}

export interface LimitLine {
  /** `null`: the bars are so far below the limit that the scale leaves it out. */
  y: number | null;
}

export interface DayLabel {
  x: number;
  day: string;
  anchor: 'middle' | 'end';
  /** Hidden on a narrow screen. */
  isMinor: boolean;
}

export interface Chart {
  bars: Bar[];
  ticks: { y: number; words: string }[];
  limit: LimitLine | null;
  labels: DayLabel[];
}

const BAR = 0.66;
/** One call of a thousand must be visible too. */
const LEAST_HEIGHT = 1.5;
/** Below this part of the limit, bars to its scale would be mere dots. */
const NEAR_LIMIT = 0.2;
const LABEL_EVERY = 5;

/** The bars of consecutive days. The last one is today. */
export const chartOf = (days: readonly DayCount[], limit: number | null): Chart => {
  const highest = Math.max(0, ...days.map(({ count }) => count));
  const isNear = limit !== null && (highest === 0 || highest >= limit * NEAR_LIMIT);
  const { max, ticks } = axisOf(isNear ? Math.max(highest, limit) : highest);
  const slot = 100 / days.length;
  const last = days.length - 1;
  const above = (value: number) => 100 - (value * 100) / max;

  const bars = days.map((day, i) => {
    const height = day.count === 0 ? 0 : Math.max((day.count * 100) / max, LEAST_HEIGHT);
    return {
      ...day,
      x: (i + (1 - BAR) / 2) * slot,
      width: slot * BAR,
      y: 100 - height,
      height,
      isToday: i === last,
      isFull: limit !== null && day.count >= limit,
    };
  });
  const labels = days.flatMap(({ day }, i): DayLabel[] => {
    const ago = last - i;
    if (ago % LABEL_EVERY !== 0) return [];
    const isMinor = ago % (LABEL_EVERY * 2) !== 0;
    return [
      {
        day,
        isMinor,
        ...(ago === 0 ? { x: 100, anchor: 'end' } : { x: (i + 0.5) * slot, anchor: 'middle' }),
      },
    ];
  });
  return {
    bars,
    ticks: ticks.map((value) => ({ y: above(value), words: tickWords(value) })),
    limit: limit === null ? null : { y: isNear ? above(limit) : null },
    labels,
  };
};

/** The index of the day at this part of the width, from 0 to 1. */
export const dayAt = (part: number, days: number): number =>
  Math.min(Math.max(Math.floor(part * days), 0), days - 1);
