import type { Agent } from '@sentryagent/sdk';

const labels = {
  name: 'Name',
  description: 'Description',
  email: 'Email',
  agentType: 'Type',
  version: 'Version',
  capabilities: 'Capabilities',
  ownerTeam: 'Team',
  deploymentEnv: 'Environment',
  isPublic: 'Public',
};

/** The fields of the form, as text. A checkbox is `on` or empty. */
export type EditValues = Record<keyof typeof labels, string>;

export const toValues = (agent: Agent): EditValues => ({
  name: agent.name,
  description: agent.description ?? '',
  email: agent.email ?? '',
  agentType: agent.agentType,
  version: agent.version,
  capabilities: agent.capabilities.join('\n'),
  ownerTeam: agent.ownerTeam ?? '',
  deploymentEnv: agent.deploymentEnv,
  isPublic: agent.isPublic ? 'on' : '',
});

const plain = (text: string): string => text.trim().split(/\s+/).join(' ');

/** The fields in which what is stored differs from the form, with what is stored. */
export const differences = (stored: Agent, values: EditValues): { label: string; stored: string }[] => {
  const now = toValues(stored);
  const fields = Object.keys(labels) as (keyof EditValues)[];
  return fields
    .filter((field) => plain(now[field]) !== plain(values[field]))
    .map((field) => ({
      label: labels[field],
      stored: field === 'isPublic' ? (stored.isPublic ? 'Yes' : 'No') : plain(now[field]) || 'empty',
    }));
};
