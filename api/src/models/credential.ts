import type { JsonWebKey } from 'node:crypto';
import type { KeyAlgorithm } from '../platform/public-jwk.ts';
import { BaseModel } from './base-model.ts';

export const credentialKinds = ['secret', 'key'] as const;

export class Credential extends BaseModel {
  static override tableName = 'credentials';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare agentId: string;
  declare name: string | null;
  declare kind: (typeof credentialKinds)[number];
  /** For a secret: its keyed hash. */
  declare secretHash: Buffer | null;
  declare pepperId: string | null;
  /** For a key: the key, its algorithm and its RFC 7638 thumbprint. */
  declare algorithm: KeyAlgorithm | null;
  declare publicJwk: JsonWebKey | null;
  declare thumbprint: string | null;
  /** The number of rotations. */
  declare generation: number;
  /** The previous secret, during an overlap. All three are set, or all are null. */
  declare previousHash: Buffer | null;
  declare previousPepperId: string | null;
  declare previousUntil: Date | null;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  /** To the minute. */
  declare lastUsedAt: Date | null;
  declare revokedAt: Date | null;
}
