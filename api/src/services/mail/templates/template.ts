/** Paragraphs, a list and one link. */
export interface Content {
  paragraphs: string[];
  list?: string[];
  action: { label: string; path: `/${string}`; query?: Record<string, string> };
}

/** One kind of mail. */
export interface Template<Data> {
  /** Fixed, so a subject never contains text that someone else chose. */
  subject: string;
  write(data: Data): Content;
}
