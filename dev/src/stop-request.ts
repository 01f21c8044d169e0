/**
 * Resolves when this process must stop: after Ctrl-C, a closed terminal, a signal, or the exit of the process that
 * launched it. A second request changes nothing, because stopping has a time limit.
 */
export const stopRequest = (): Promise<void> =>
  new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve());
    process.on('disconnect', resolve);
    process.channel?.unref();
    // Writing to a closed terminal fails, but the children must still be stopped.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  });
