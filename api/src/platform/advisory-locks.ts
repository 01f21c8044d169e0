/** The numbers of our advisory locks. Each is any fixed number; 7_231_954 is that of the migrations. */
export const advisoryLocks = {
  /** Only one process at a time merges Redis and Postgres. */
  usage: 7_231_955,
  /** Processes that change the signing keys take turns. */
  signingKeys: 7_231_956,
} as const;
