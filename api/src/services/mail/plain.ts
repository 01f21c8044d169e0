/** Characters of a text that somebody chose. */
const LONGEST = 60;

/** Letters, marks and digits of any script, and what can be part of no address. */
const OTHERS = /[^\p{L}\p{M}\p{Nd}'&(),_-]+/gu;

/**
 * Words as they may stand in a mail: one line of bounded length with nothing that a mail client takes for a link.
 * A link needs a dot, a colon, a slash or an `@`, so none of these is left, nor what looks like them.
 */
const plain = (text: string): string =>
  [...text.replaceAll(OTHERS, ' ').trim()].slice(0, LONGEST).join('').trim();

/** The same for every text within. */
export const plainTexts = <T>(data: T): T => {
  if (typeof data === 'string') return plain(data) as T;
  if (Array.isArray(data)) return data.map(plainTexts) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, plainTexts(value)])) as T;
};
