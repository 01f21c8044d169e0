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

export const capModes = ['enforce', 'report'] as const;

/** A limit of an agent's API calls a UTC day. `report`: it refuses nothing. */
export interface CallCap {
  max: number;
  mode: (typeof capModes)[number];
}

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
  /** The version of the agent's software (semver). */
  declare version: string;
  /** `resource:action`. Descriptive only: they grant nothing. */
  declare capabilities: string[];
  /** The owner: a member of its tenant, unless the agent is decommissioned. */
  declare owner: string;
  /** The owner's team, if any. */
  declare ownerTeam: string | null;
  declare deploymentEnv: DeploymentEnv;
  declare isPublic: boolean;
  declare status: AgentStatus;
  declare scopes: Scope[];
  declare callCap: CallCap | null;
  /** The number of changes. The ETag is made of it. */
  declare revision: number;
  declare createdAt: Date;
  declare updatedAt: Date;
  declare decommissionedAt: Date | null;
}
