import { BaseModel } from './base-model.ts';

/** The API calls of an agent that one source has counted on a UTC day. Settling the day moves them to `agent_usage`. */
export class AgentCalls extends BaseModel {
  static override tableName = 'agent_calls';
  static override idColumn = ['tenant_id', 'day', 'agent_id', 'source'];

  declare tenantId: string;
  declare day: string;
  declare agentId: string;
  declare source: string;
  declare count: number;
}
