import { BaseModel } from './base-model.ts';

export class Credential extends BaseModel {
  static override tableName = 'credentials';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare agentId: string;
  declare secretHash: Buffer;
  declare pepperId: string;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  declare revokedAt: Date | null;
}
