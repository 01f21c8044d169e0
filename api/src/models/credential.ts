import { BaseModel } from './base-model.ts';

export class Credential extends BaseModel {
  static override tableName = 'credentials';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare agentId: string;
  declare name: string | null;
  declare secretHash: Buffer;
  declare pepperId: string;
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
