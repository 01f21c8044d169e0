/** The part of vitest's JSON report that we read. */
export interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

export interface Summary {
  passed: number;
  failed: number;
}

/** A file that fails before its first test counts as one failure. */
const brokenFiles = ({ testResults }: Report): number =>
  testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  ).length;

/** The summary of a run. If the run fails without a failed test (an error outside of tests), counts one failure. */
export const summarise = (report: Report | undefined, exitCode: number): Summary => {
  if (!report) return { passed: 0, failed: 1 };
  const failed = report.numFailedTests + brokenFiles(report);
  return { passed: report.numPassedTests, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
};

export const summaryLine = ({ passed, failed }: Summary): string => `${passed} passed, ${failed} failed\n`;
