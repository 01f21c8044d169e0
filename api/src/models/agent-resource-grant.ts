import { BaseModel } from './base-model.ts';

/** The scopes of a resource that an agent can get. Deleted with the resource. */
export class AgentResourceGrant extends BaseModel {
  static override tableName = 'agent_resource_grants';
  static override idColumn = ['tenant_id', 'agent_id', 'resource_id'];

  declare tenantId: string;
  declare agentId: string;
  declare resourceId: string;
  declare scopes: string[];
}
