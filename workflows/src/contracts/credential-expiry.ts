export interface CredentialExpiryInput {
  /** The tenant that the run before ended with. */
  after?: string;
}

export interface AnnouncedPage {
  /** The last tenant of the page; `null` after the last page. */
  next: string | null;
  /** Mails that are new. */
  queued: number;
}

export interface CredentialExpiryActivities {
  /** Queues the digests that are due for the page of tenants after this one. */
  announceExpiry(input: { after: string }): Promise<AnnouncedPage>;
}
