import type { Agent } from '@sentryagent/sdk';
import { resolve } from '$app/paths';

export const agentHref = (agentId: string): string => `${resolve('agents')}/${agentId}`;

interface ActionLink {
  name: string;
  href: string;
  isDanger?: boolean;
}

/** What can be done with an agent. Each link opens a dialog on the agent's own page. */
export const actionLinks = ({ agentId, status }: Pick<Agent, 'agentId' | 'status'>): ActionLink[] => {
  const page = agentHref(agentId);
  const open = { name: 'Open', href: page };
  if (status === 'decommissioned') return [open];
  return [
    open,
    { name: 'New secret', href: `${page}/credentials?dialog=new-secret` },
    status === 'active'
      ? { name: 'Suspend', href: `${page}?dialog=suspend` }
      : { name: 'Reactivate', href: `${page}?dialog=reactivate` },
    { name: 'Decommission', href: `${page}?dialog=decommission`, isDanger: true },
  ];
};
