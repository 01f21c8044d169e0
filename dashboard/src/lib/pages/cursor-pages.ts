/** A cursor leads forward only, so the URL keeps those of the pages before. */
const MAX_EARLIER = 20;

export interface CursorPages {
  first?: string;
  previous?: string;
  next?: string;
}

/** Links to the other pages of a list, whose URL has `cursor`. Not set: there is no such page, or it is unknown. */
export const cursorPages = (
  { pathname, search }: { pathname: string; search: string },
  nextCursor: string | null,
): CursorPages => {
  const params = new URLSearchParams(search);
  const cursor = params.get('cursor') ?? '';
  const earlier = params.getAll('earlier');
  // The first page is its previous one.
  const isSecond = earlier.length === 1 && earlier[0] === '';
  const to = (target: string, before: readonly string[]): string => {
    const other = new URLSearchParams(search);
    for (const name of ['cursor', 'earlier', 'dialog', 'done']) other.delete(name);
    if (target !== '') other.set('cursor', target);
    for (const one of before) other.append('earlier', one);
    return other.size > 0 ? `${pathname}?${other}` : pathname;
  };
  return {
    ...(cursor !== '' && !isSecond && { first: to('', []) }),
    ...(earlier.length > 0 && { previous: to(earlier.at(-1)!, earlier.slice(0, -1)) }),
    ...(nextCursor !== null && { next: to(nextCursor, [...earlier, cursor].slice(-MAX_EARLIER)) }),
  };
};
