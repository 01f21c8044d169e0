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
 * Remembers an answer from the moment of the question, so that all who ask meanwhile wait for the same one. Forgets a
 * failure, and an answer that `lasts` rejects, as soon as it is there.
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
