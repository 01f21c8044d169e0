import type { Schema } from './schema.ts';

const KEPT = 500;

/** The violations of Stripe's schema, oldest first. */
export interface Violations {
  list: string[];
  schema?: Schema | undefined;
  /** Stores a violation and returns its text. */
  note(where: string, what: string | undefined): string | undefined;
}

export const createViolations = (schema?: Schema): Violations => {
  const list: string[] = [];
  return {
    list,
    schema,
    note: (where, what) => {
      if (what === undefined) return undefined;
      const violation = `Stripe's schema refuses ${where}: ${what}`;
      list.push(violation);
      if (list.length > KEPT) list.shift();
      return violation;
    },
  };
};
