/** Shown for a number or a time that cannot be told. */
export const UNKNOWN = '–';
