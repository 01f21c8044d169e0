export const BARE_QUEUE = 'bare';

export interface BareActivities {
  open(): Promise<string>;
  look(): Promise<void>;
  close(): Promise<void>;
  /** Counts in one committed row, so that the bench sees it as it sees ours. */
  apply(id: string): Promise<void>;
}

export interface BareSettings {
  address: string;
  databaseUrl: string;
}
