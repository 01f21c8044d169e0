export interface RotatedKey {
  kid: string;
  to: 'next' | 'current' | 'previous' | 'gone';
}

export interface KeyRotationActivities {
  /** Moves each signing key to its next stage if that is due. Returns the keys that moved. */
  rotateSigningKeys(): Promise<RotatedKey[]>;
}
