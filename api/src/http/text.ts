import { z } from 'zod';

/**
 * Characters that nobody sees, or that change how others are read: controls, line breaks, marks of direction,
 * zero-width characters, tags. The joiners of Persian and of emoji, and variation selectors, belong to what is beside
 * them.
 */
const UNSEEN =
  /(?![\u200c\u200d\ufe00-\ufe0f\u{e0100}-\u{e01ef}])[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

/** A letter, number, punctuation mark or symbol; the empty Braille cell is a symbol that shows nothing. */
const SEEN = /(?!\u2800)[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * A line of text from outside, trimmed and in Unicode's form NFC, so that the same text is the same bytes. It is valid
 * Unicode (Postgres and JSON refuse others), and where it is not empty there is something to see.
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
