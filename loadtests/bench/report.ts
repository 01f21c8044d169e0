import type { Ratio, Results, Row, Slowest } from './rounds.ts';

const wholes = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

const line = (name: string, columns: string[], width: number): string =>
  `  ${name.padEnd(width)}${columns.map((column) => column.padStart(12)).join('')}`;

const rowLine = ({ name, perSecond, p50, p99, processorMicros }: Row, width: number): string => {
  const processor = Number.isNaN(processorMicros) ? '' : `${wholes.format(processorMicros)} µs`;
  return line(
    name,
    [wholes.format(perSecond), `${p50.toFixed(1)} ms`, `${p99.toFixed(1)} ms`, processor],
    width,
  );
};

const ratioLine = ({ against, atLeast, ratio, met }: Ratio): string => {
  const budget = atLeast === undefined ? '' : `  (budget: at least ${atLeast}, ${met ? 'met' : 'MISSED'})`;
  return `  ${ratio.toFixed(2).padStart(6)} × ${against}${budget}`;
};

/** The ratios of one candidate after its name. */
const ratioLines = (ratios: Ratio[]): string[] =>
  [...Map.groupBy(ratios, ({ of }) => of)].flatMap(([of, own]) => [
    '',
    `  ${of} makes`,
    ...own.map(ratioLine),
  ]);

const slowestLine = ({ of, p99, p99AtMost, met }: Slowest): string =>
  `  ${of}: p99 ${p99.toFixed(1)} ms  (budget: at most ${wholes.format(p99AtMost)} ms, ${met ? 'met' : 'MISSED'})`;

export const report = (unit: string, { rows, ratios, slowest }: Results): string => {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return [
    '',
    line('', [unit, 'p50', 'p99', 'processor'], width),
    ...rows.map((row) => rowLine(row, width)),
    ...ratioLines(ratios),
    ...(slowest.length > 0 ? ['', ...slowest.map(slowestLine)] : []),
    '',
  ].join('\n');
};
