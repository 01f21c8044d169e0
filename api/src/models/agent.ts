import type { Scope } from '../platform/principal.ts';
import { BaseModel } from './base-model.ts';

export type AgentStatus = 'active' | 'suspended' | 'decommissioned';

export class Agent extends BaseModel {
  static override tableName = 'agents';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare name: string;
  declare description: string | null;
  declare status: AgentStatus;
  declare scopes: Scope[];
  /** The member (or agent) that registered it. */
  declare owner: string;
  declare createdAt: Date;
  declare updatedAt: Date;
}
