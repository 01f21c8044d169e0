type Page = Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'>;

/** Refreshes while the page is seen, and at once when it is seen again. Answers how to stop. */
export const pollWhileVisible = (
  refresh: () => void,
  everyMs: number,
  page: Page = document,
): (() => void) => {
  let timer: ReturnType<typeof setInterval> | undefined;

  const start = () => {
    timer ??= setInterval(refresh, everyMs);
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const onChange = () => {
    if (page.visibilityState === 'hidden') return stop();
    if (timer === undefined) refresh();
    start();
  };

  if (page.visibilityState !== 'hidden') start();
  page.addEventListener('visibilitychange', onChange);
  return () => {
    stop();
    page.removeEventListener('visibilitychange', onChange);
  };
};
