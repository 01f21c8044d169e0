import type { JsonWebKey } from 'node:crypto';
import type { KeyAlgorithm } from '../platform/public-jwk.ts';
import { BaseModel } from './base-model.ts';

export class Credential extends BaseModel {
  static override tableName = 'credentials';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare agentId: string;
  declare kind: 'secret' | 'key';
  /** Of a secret: its keyed hash. */
  declare secretHash: Buffer | null;
  declare pepperId: string | null;
  /** Of a key: itself, what it signs with, and its RFC 7638 thumbprint. */
  declare algorithm: KeyAlgorithm | null;
  declare publicJwk: JsonWebKey | null;
  declare thumbprint: string | null;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  declare revokedAt: Date | null;
}
