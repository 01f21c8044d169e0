interface Asked<Q, A> {
  question: Q;
  resolve: (answer: A) => void;
  reject: (reason: unknown) => void;
}

/** Batches the questions of one event loop turn into one call of `ask`. It returns the answers in the same order. */
export const batch = <Q, A>(ask: (questions: Q[]) => Promise<A[]>): ((question: Q) => Promise<A>) => {
  let waiting: Asked<Q, A>[] = [];
  const askAll = async (): Promise<void> => {
    const all = waiting;
    waiting = [];
    try {
      const answers = await ask(all.map(({ question }) => question));
      for (const [index, { resolve }] of all.entries()) resolve(answers[index]!);
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  };
  return (question) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ question, resolve, reject }) === 1) setImmediate(() => void askAll());
    });
};
