import { BaseModel } from './base-model.ts';

/** A service of the tenant that accepts our tokens (RFC 8707). */
export class Resource extends BaseModel {
  static override tableName = 'resources';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  /** As registered. It is the audience of its tokens. */
  declare identifier: string;
  /** The canonical form of all its spellings. Null in rows of the previous version. */
  declare canonical: string | null;
  declare scopes: string[];
  declare tokenTtlSeconds: number;
  declare createdAt: Date;
}
