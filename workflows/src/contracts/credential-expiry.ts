export interface CredentialExpiryInput {
  /** The last tenant of the previous run. */
  after?: string;
}

export interface AnnouncedPage {
  /** The last tenant of the page; `null` after the last page. */
  next: string | null;
  /** The number of mails queued. */
  queued: number;
  /** The number of credentials of which owners get notice. */
  noticed: number;
}

export interface CredentialExpiryActivities {
  /** Queues the digests that are due for the page of tenants after this one. */
  announceExpiry(input: { after: string }): Promise<AnnouncedPage>;
}
