import { createContext } from 'svelte';
import type { FormProblem } from './problem.ts';

/** The result of the last submit, for the fields of a form. */
interface FormState {
  readonly problem: FormProblem | undefined;
  /** What was entered before, or is stored. By field name. */
  readonly values: Readonly<Partial<Record<string, unknown>>>;
}

export const [formState, setFormState] = createContext<FormState>();

/** The text of a field. */
export const textOf = ({ values }: FormState, name: string): string => String(values[name] ?? '');
