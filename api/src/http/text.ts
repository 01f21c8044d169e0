import { z } from 'zod';

/**
 * Invisible characters, and characters that change how others are displayed: controls, line breaks, direction marks,
 * zero-width characters, tags. Joiners (Persian, emoji) and variation selectors are allowed, because they belong to the
 * characters next to them.
 */
const UNSEEN =
  /(?![\u200c\u200d\ufe00-\ufe0f\u{e0100}-\u{e01ef}])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

/** A letter, number, punctuation mark or symbol, except the empty Braille cell, which is an invisible symbol. */
const SEEN = /(?!\u2800)[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * A line of input text, trimmed and in NFC, so that equal text has equal bytes. It is valid Unicode, because Postgres
 * and JSON reject other text. If it is not empty, it has a visible character.
 */
export const line = (min: number, max: number) =>
  z
    .string()
    .normalize('NFC')
    .trim()
    .min(min)
    .max(max)
    .refine((text) => !UNSEEN.test(text), {
      error: 'must not contain control characters or invisible characters',
    })
    .refine((text) => text === '' || SEEN.test(text), { error: 'must contain a visible character' });
