import { ERRORS_BELOW, type Journey } from './plan.ts';

/** What k6 says of one journey at its end. Durations in milliseconds. */
export interface Summary {
  metrics: {
    iterations: { values: { count: number; rate: number } };
    http_req_duration: { values: { med: number; 'p(95)': number } };
    failed: { values: { rate: number } };
    /** Missing if nothing was served. */
    served?: { values: { count: number } };
  };
}

export interface Result {
  journey: Journey;
  summary: Summary;
}

/** The limits that the journey has exceeded, in words. Empty: it passed. */
export const findMissed = ({ journey, summary }: Result, isTimeJudged: boolean): string[] => {
  const { http_req_duration: duration, failed, served } = summary.metrics;
  const p95 = duration.values['p(95)'];
  const missed: string[] = [];
  if (failed.values.rate >= ERRORS_BELOW)
    missed.push(`${percent(failed.values.rate)} errors, the limit is ${percent(ERRORS_BELOW)}`);
  if (isTimeJudged && journey.p95Below !== undefined && p95 >= journey.p95Below)
    missed.push(`p95 is ${whole(p95)} ms, the limit is ${whole(journey.p95Below)} ms`);
  if (journey.served !== undefined && (served?.values.count ?? 0) !== journey.served)
    missed.push(`${whole(served?.values.count ?? 0)} calls were served instead of ${whole(journey.served)}`);
  return missed;
};

const whole = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 0 });
const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;

const HEADS = ['VUs', 'requests', 'a second', 'p50', 'p95', 'errors'];

const columns = (cells: string[]): string => cells.map((cell) => cell.padStart(11)).join('');

/** One row for each journey, and under it what it has missed. */
export const report = (results: readonly Result[], isTimeJudged: boolean): string => {
  const width = Math.max(...results.map(({ journey }) => journey.label.length));
  const rows = results.flatMap((result) => {
    const { journey, summary } = result;
    const { iterations, http_req_duration: duration, failed } = summary.metrics;
    const cells = [
      ...[whole(journey.users), whole(iterations.values.count), whole(iterations.values.rate)],
      ...[`${whole(duration.values.med)} ms`, `${whole(duration.values['p(95)'])} ms`],
      percent(failed.values.rate),
    ];
    const missed = findMissed(result, isTimeJudged);
    const verdict = missed.length === 0 ? 'passed' : `MISSED: ${missed.join('; ')}`;
    return `  ${journey.label.padEnd(width)}${columns(cells)}  ${verdict}`;
  });
  return [`  ${''.padEnd(width)}${columns(HEADS)}`, ...rows, ''].join('\n');
};
