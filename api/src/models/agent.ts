import type { Scope } from '../platform/principal.ts';
import { BaseModel } from './base-model.ts';

export const agentStatuses = ['active', 'suspended', 'decommissioned'] as const;
export const agentTypes = [
  'screener',
  'classifier',
  'orchestrator',
  'extractor',
  'summarizer',
  'router',
  'monitor',
  'custom',
] as const;
export const deploymentEnvs = ['development', 'staging', 'production'] as const;

export type AgentStatus = (typeof agentStatuses)[number];
export type AgentType = (typeof agentTypes)[number];
export type DeploymentEnv = (typeof deploymentEnvs)[number];

export class Agent extends BaseModel {
  static override tableName = 'agents';
  static override idColumn = ['tenant_id', 'id'];

  declare tenantId: string;
  declare id: string;
  declare name: string;
  declare description: string | null;
  declare email: string | null;
  declare agentType: AgentType;
  /** The agent's own, by semver. */
  declare version: string;
  /** `resource:action`: they describe and never decide. */
  declare capabilities: string[];
  /** The member who answers for it. While it is not decommissioned, a member of its tenant. */
  declare owner: string;
  /** The team that the owner answers for, where there is one. */
  declare ownerTeam: string | null;
  declare deploymentEnv: DeploymentEnv;
  declare isPublic: boolean;
  declare status: AgentStatus;
  declare scopes: Scope[];
  /** Counts the changes; what its ETag is made of. */
  declare revision: number;
  declare createdAt: Date;
  declare updatedAt: Date;
  declare decommissionedAt: Date | null;
}
