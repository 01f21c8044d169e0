import type { z } from 'zod';
import { Problem } from '../platform/problem.ts';
import { plainWords } from './plain-words.ts';

/** Parses one part of a request. Each error has a path. Values are never echoed. */
export const parsePart = (
  part: 'params' | 'query' | 'body',
  schema: z.ZodType | undefined,
  value: unknown,
): unknown => {
  if (!schema) return undefined;
  const result = schema.safeParse(value, { error: plainWords });
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => ({
    path: [part, ...path].join('.'),
    message,
  }));
  // A failure has at least one finding.
  const first = errors[0]!;
  throw new Problem('validation_failed', `${first.path}: ${first.message}`, {
    members: { errors },
  });
};
