/** The errors of a rejected form. */
export interface FormProblem {
  message: string;
  /** What to change, by field name. Empty if no field is wrong. */
  fields: Readonly<Record<string, string>>;
  /** The API's error code, if any. The help that a form offers can depend on it. */
  code?: string | undefined;
}
