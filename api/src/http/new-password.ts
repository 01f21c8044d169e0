import { z } from 'zod';

/** Lone surrogates all become the same bytes when hashed, so different passwords would match. */
export const newPassword = z
  .string()
  .min(8)
  .max(128)
  .refine((text) => text.isWellFormed(), { error: 'must be valid Unicode' });

export const currentPassword = z.string().min(1).max(128);
