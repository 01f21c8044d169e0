/** A `Map` or an `LRUCache` of answers that may not be there yet. */
interface Memory<Answer> {
  get(key: string): Promise<Answer> | undefined;
  set(key: string, answer: Promise<Answer>): unknown;
  delete(key: string): unknown;
}

/** Forgets this answer. A newer answer of the same key stays. */
export const forget = <Answer>(memory: Memory<Answer>, key: string, answer: Promise<Answer>): void => {
  if (memory.get(key) === answer) memory.delete(key);
};

/**
 * Stores the promise immediately, so concurrent callers share it. Removes it if it rejects, or if `lasts` returns
 * false.
 */
export const remember = <Answer>(
  memory: Memory<Answer>,
  key: string,
  answer: Promise<Answer>,
  lasts: (answer: Answer) => boolean,
): Promise<Answer> => {
  const drop = (): void => forget(memory, key, answer);
  memory.set(key, answer);
  answer.then((settled) => {
    if (!lasts(settled)) drop();
  }, drop);
  return answer;
};
