/** Any origin works, to check that a target stays on it. */
const HERE = 'http://dashboard.invalid';

/**
 * The target as a path on this server, or the fallback. It is parsed as in a browser, which drops tabs, reads `\` as
 * `/`, and `/.//host` as `//host`.
 */
export const safeRedirect = (target: string | null, fallback: string): string => {
  if (!target?.startsWith('/') || !URL.canParse(target, HERE)) return fallback;
  const { origin, pathname, search, hash } = new URL(target, HERE);
  return origin === HERE && !pathname.startsWith('//') ? pathname + search + hash : fallback;
};

/** Whether the URL is of this origin and contains no user name or password. */
export const isOfOrigin = (url: string, origin: string): boolean =>
  URL.canParse(url) && new URL(url).href.startsWith(`${origin}/`);

/** The sign-in page, which redirects to `next`, a path on this server. */
export const signInPath = (next: string) => `/sign-in?next=${encodeURIComponent(next)}` as const;

/** The second step of a sign-in, which redirects to `next` as well. */
export const secondFactorPath = (next: string) =>
  `/sign-in/two-factor?next=${encodeURIComponent(next)}` as const;
