import { z } from 'zod';

const CONTROL = /[\u0000-\u001f\u007f]/;

/** A line of text from outside: trimmed, no control characters, valid Unicode (Postgres and JSON refuse others). */
export const line = (min: number, max: number) =>
  z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine((text) => text.isWellFormed() && !CONTROL.test(text), {
      error: 'must not hold control characters',
    });
