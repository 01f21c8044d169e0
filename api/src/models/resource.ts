import { BaseModel } from './base-model.ts';

/** A service of the tenant that accepts our tokens (RFC 8707). */
export class Resource extends BaseModel {
  static override tableName = 'resources';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare identifier: string;
  declare scopes: string[];
  declare tokenTtlSeconds: number;
  declare createdAt: Date;
}
