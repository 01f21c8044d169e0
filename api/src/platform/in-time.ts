/**
 * Rejects with `late()` if an answer takes longer than that. After a stall of this process's own the answer may lie
 * unread in a socket: the event loop reads it before the immediate comes.
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
