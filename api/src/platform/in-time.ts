/**
 * Rejects with `late()` if the answer takes longer than `ms`. If this process itself was blocked, the answer may be in
 * a socket already. The event loop reads sockets before it runs the immediate.
 */
export const inTime = async <T>(ms: number, answer: Promise<T>, late: () => Error): Promise<T> => {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => setImmediate(() => reject(late())), ms).unref();
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
};
