const DAY_MS = 86_400_000;

/** Days before its end at which a credential's end is announced, ascending. */
export const NOTICE_DAYS = [1, 7, 30] as const;

/** When the first announcement of a credential that ends then is due, seen from now. */
export const announcedBefore = (now: Date): Date => new Date(now.getTime() + NOTICE_DAYS.at(-1)! * DAY_MS);

/** The announcement that is due: the latest one, so that a credential made for three days is not announced three times. */
export const dueNotice = (expiresAt: Date, now: Date): (typeof NOTICE_DAYS)[number] | null => {
  const leftMs = expiresAt.getTime() - now.getTime();
  if (leftMs <= 0) return null;
  return NOTICE_DAYS.find((days) => leftMs <= days * DAY_MS) ?? null;
};
