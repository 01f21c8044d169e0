export interface DeletedBatch {
  /** Rows. */
  deleted: number;
  /** Whether expired rows may remain. */
  isMore: boolean;
}

export interface HousekeepingActivities {
  /** Deletes a batch of expired rows, of every tenant. */
  deleteExpired(): Promise<DeletedBatch>;
}
