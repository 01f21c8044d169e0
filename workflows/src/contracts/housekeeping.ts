export interface DeletedBatch {
  /** Rows. */
  deleted: number;
  /** Whether more of them may be left. */
  isMore: boolean;
}

export interface HousekeepingActivities {
  /** Deletes a batch of expired rows, of every tenant. */
  deleteExpired(): Promise<DeletedBatch>;
}
