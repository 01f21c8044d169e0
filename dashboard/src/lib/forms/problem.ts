/** What a form says when it was not accepted. */
export interface FormProblem {
  message: string;
  /** What to change, by the name of the field; empty where no field is to blame. */
  fields: Readonly<Record<string, string>>;
  /** The API's, where it said one: what helps may depend on it. */
  code?: string | undefined;
}
