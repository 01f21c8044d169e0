import type { FormProblem } from '#lib/forms/problem.ts';

/** A rejected form of the settings page. The page has several, so the result names its own. */
export interface RejectedForm {
  name: string;
  problem: FormProblem;
  /** What was entered, without passwords. */
  values: Readonly<Record<string, string>>;
}

export interface SettingsState {
  /** The last form of the page, if it was rejected. */
  rejected: RejectedForm | null;
  /** The name of the form that has just succeeded. It is in the URL, so the page can be reloaded. */
  done: string | null;
}

export const stateOf = (
  { rejected, done }: SettingsState,
  name: string,
): { problem?: FormProblem; values: Readonly<Record<string, string>>; isDone: boolean } => ({
  ...(rejected?.name === name ? rejected : { values: {} }),
  isDone: done === name && rejected === null,
});
