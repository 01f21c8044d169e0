import { z } from 'zod';
import { fieldProblem, type FieldFault } from '../platform/field-problem.ts';
import { plainWords } from '../platform/plain-words.ts';

/** Whether the path is that of a field that every request must have. */
const isRequired = (schema: z.ZodType, [name, ...more]: readonly PropertyKey[]): boolean =>
  more.length === 0 &&
  schema instanceof z.ZodObject &&
  (schema.shape as Record<PropertyKey, z.ZodType | undefined>)[name!]?.isOptional() === false;

/** A form sends an empty text for a field that was not filled in. */
const isLeftEmpty = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'too_small' && issue.origin === 'string' && issue.minimum === 1;

/** The rest makes no sense to people: a list where text must be is also told that it has too few items. */
const firstOfEachField = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] =>
  [...Map.groupBy(issues, ({ path }) => path.join('.')).values()].map(([first]) => first!);

/** Parses one part of a request. Problem: `validation_failed`. */
export const parsePart = (
  part: 'params' | 'query' | 'body',
  schema: z.ZodType | undefined,
  value: unknown,
): unknown => {
  if (!schema) return undefined;
  const result = schema.safeParse(value, { error: plainWords });
  if (result.success) return result.data;
  const faults = firstOfEachField(result.error.issues).map((issue): FieldFault => ({
    path: [part, ...issue.path],
    words: isLeftEmpty(issue) && isRequired(schema, issue.path) ? 'is required' : issue.message,
  }));
  // A failure has at least one issue.
  throw fieldProblem(faults as [FieldFault, ...FieldFault[]]);
};
