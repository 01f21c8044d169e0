/** In characters. */
const LONGEST = 60;

/** Matches all except letters, marks and digits of any script, and punctuation that no address contains. */
const OTHERS = /[^\p{L}\p{M}\p{Nd}'&(),_-]+/gu;

/**
 * Makes one short line that no mail client turns into a link. A link needs a dot, a colon, a slash or an `@`: all of
 * these are removed, and characters that look like them.
 */
const plain = (text: string): string =>
  [...text.replaceAll(OTHERS, ' ').trim()].slice(0, LONGEST).join('').trim();

/** Applies `plain` to every text inside. */
export const plainTexts = <T>(data: T): T => {
  if (typeof data === 'string') return plain(data) as T;
  if (Array.isArray(data)) return data.map(plainTexts) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, plainTexts(value)])) as T;
};
