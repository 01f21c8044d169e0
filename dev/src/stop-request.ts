/**
 * Resolves when this process is asked to stop: by a terminal's Ctrl-C or its end, by another program, or by the end
 * of the process that launched it. A second request changes nothing: stopping takes a bounded time.
 */
export const stopRequest = (): Promise<void> =>
  new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve());
    process.on('disconnect', resolve);
    process.channel?.unref();
    // A terminal that is gone takes no output, and the children must still be ended.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  });
