/** Any origin will do: a target that leaves it is not ours. */
const HERE = 'http://dashboard.invalid';

/**
 * The target as a path on this server, or the fallback. What counts is how a browser reads it: it drops tabs, takes
 * `\` for `/`, and `/.//host` for `//host`.
 */
export const safeRedirect = (target: string | null, fallback: string): string => {
  if (!target?.startsWith('/') || !URL.canParse(target, HERE)) return fallback;
  const { origin, pathname, search, hash } = new URL(target, HERE);
  return origin === HERE && !pathname.startsWith('//') ? pathname + search + hash : fallback;
};

/** Whether a browser would find the URL at the origin, with nobody's name in it. */
export const isOfOrigin = (url: string, origin: string): boolean =>
  URL.canParse(url) && new URL(url).href.startsWith(`${origin}/`);

/** The sign-in page that leads on to `next`, a path on this server. */
export const signInPath = (next: string) => `/sign-in?next=${encodeURIComponent(next)}` as const;
