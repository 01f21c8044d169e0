/**
 * What a start that is no defect ends with. A start has production's limits, 1.5 s for a connection and 2 s for a
 * statement, which Postgres may exceed on a busy machine; and another process may have taken the free port. A supervisor
 * starts such a program again.
 */
export const isBadLuck = (output: string): boolean =>
  /timeout|Postgres does not answer|EADDRINUSE/.test(output);
