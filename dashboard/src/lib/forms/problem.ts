/** What a form says when it was not accepted. */
export interface FormProblem {
  message: string;
  /** What to change, by the name of the field; empty where no field is to blame. */
  fields: Readonly<Record<string, string>>;
  /** The free tier's limit is reached: what the next tier offers helps. */
  limit?: boolean;
}
