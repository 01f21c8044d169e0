/** This page without a dialog. The name of a form action goes too, because a link to it would be a GET. */
export const withoutDialog = (url: Pick<URL, 'pathname' | 'search'>): string => {
  const params = new URLSearchParams(url.search);
  for (const key of [...params.keys()]) if (key === 'dialog' || key.startsWith('/')) params.delete(key);
  const search = params.toString();
  return search ? `${url.pathname}?${search}` : url.pathname;
};
