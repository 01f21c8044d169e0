type Page = Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'>;

/**
 * Refreshes while the page is visible, and immediately when it becomes visible again. If the refresh returns a promise,
 * never runs two at once. Returns a function that stops it.
 */
export const pollWhileVisible = (
  refresh: () => Promise<unknown> | void,
  everyMs: number,
  page: Page = document,
): (() => void) => {
  let timer: ReturnType<typeof setInterval> | undefined;
  let busy = false;

  const done = () => {
    busy = false;
  };
  const ask = () => {
    if (busy) return;
    const refreshed = refresh();
    if (!refreshed) return;
    busy = true;
    refreshed.then(done, done);
  };

  const start = () => {
    timer ??= setInterval(ask, everyMs);
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const onChange = () => {
    if (page.visibilityState === 'hidden') return stop();
    if (timer === undefined) ask();
    start();
  };

  if (page.visibilityState !== 'hidden') start();
  page.addEventListener('visibilitychange', onChange);
  return () => {
    stop();
    page.removeEventListener('visibilitychange', onChange);
  };
};
