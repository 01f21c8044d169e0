/** The first letters of a name's first and last word, for its picture: "Demo’s team" is DT. */
export const initials = (name: string): string => {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = [words.at(0), words.length > 1 ? words.at(-1) : undefined].map(
    (word) => [...(word ?? '')][0] ?? '',
  );
  return letters.join('').toUpperCase();
};
