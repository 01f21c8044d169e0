/** The id of an object that Stripe may have expanded. */
export const idOf = (object: string | { id: string } | null | undefined): string | null =>
  typeof object === 'string' ? object : (object?.id ?? null);

/** Stripe's times are seconds since 1970. */
export const isoOf = (seconds: number): string => new Date(seconds * 1_000).toISOString();
