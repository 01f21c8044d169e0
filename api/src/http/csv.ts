export type Cell = string | number | null;

/**
 * Spreadsheets run a cell as a formula if it begins with one of these characters, also in full width (OWASP: CSV
 * injection). An apostrophe makes it text. In some countries they take a semicolon for the separator of cells.
 */
const FORMULA = /(^|;\s*)(?=[=+\-@\t\r＝＋－＠])/g;

const write = (cell: Cell): string => {
  if (typeof cell === 'number') return String(cell);
  const text = (cell ?? '').replaceAll(FORMULA, "$1'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** RFC 4180, with a header row. `null` is an empty cell. */
export const toCsv = (header: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [header, ...rows].map((row) => `${row.map(write).join(',')}\r\n`).join('');
