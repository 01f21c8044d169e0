/** What this server says to a script of ours. `null`: no response. */
export const ask = async (
  fetch: typeof globalThis.fetch,
  path: string,
): Promise<{ status: number; body: unknown } | null> => {
  try {
    const response = await fetch(path);
    // Always read it, because kit passes only what was read to the browser.
    return { status: response.status, body: await response.json() };
  } catch {
    return null;
  }
};
