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
  /** Of a secret: its keyed hash. */
  declare secretHash: Buffer | null;
  declare pepperId: string | null;
  /** Of a key: itself, what it signs with, and its RFC 7638 thumbprint. */
  declare algorithm: KeyAlgorithm | null;
  declare publicJwk: JsonWebKey | null;
  declare thumbprint: string | null;
  /** How often it was rotated. */
  declare generation: number;
  /** The secret before the last rotation, for as long as both work: these three are set or null together. */
  declare previousHash: Buffer | null;
  declare previousPepperId: string | null;
  declare previousUntil: Date | null;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  /** To the minute. */
  declare lastUsedAt: Date | null;
  declare revokedAt: Date | null;
}
