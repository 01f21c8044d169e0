import type { Scope } from '@sentryagent/sdk';

/** What each scope allows, in the order of the form. */
export const scopeWords: Readonly<Record<Scope, string>> = {
  'agents:read': 'List agents, credentials and resources. Secrets are never shown.',
  'agents:write':
    'Register, change, suspend and decommission agents. Create, rotate and revoke their credentials.',
  'tokens:read': 'Check whether a token of your tenant is valid.',
  'audit:read': 'Read the audit log. No API call uses this scope yet.',
  'billing:read': 'Read your usage, subscription, card and invoices.',
  'billing:write': 'Upgrade to Paid, cancel or resume the subscription, and open the billing portal.',
  'trust:write': 'Change which external identities can get tokens. No API call uses this scope yet.',
};

/** Selected by default. */
export const leastScopes: readonly Scope[] = ['agents:read'];

export const noScope = {
  message: 'Select at least one scope.',
  fields: { scopes: 'Select at least one scope.' },
};

/** Scopes that are often chosen together. Only owners and admins can grant any, and they hold all. */
export const scopePresets: readonly { id: string; name: string; scopes: readonly Scope[] }[] = [
  {
    id: 'read-only',
    name: 'Read only',
    scopes: ['agents:read', 'tokens:read', 'audit:read', 'billing:read'],
  },
  { id: 'manage-agents', name: 'Manage agents', scopes: ['agents:read', 'agents:write'] },
  { id: 'everything', name: 'Everything I hold', scopes: Object.keys(scopeWords) as Scope[] },
];
