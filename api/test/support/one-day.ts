const today = (): string => new Date().toISOString().slice(0, 10);

/** Does it once more if midnight UTC came in between; `act` must bear that. */
export const onOneDay = async (act: (day: string) => Promise<void>): Promise<void> => {
  const day = today();
  try {
    await act(day);
  } catch (error) {
    if (today() === day) throw error;
    await act(today());
  }
};
