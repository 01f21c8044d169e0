import type { Agent } from '@sentryagent/sdk';

/** The value of the checkbox for a scope of a resource. Neither has a space. */
export const grantOf = (resource: string, scope: string): string => `${resource} ${scope}`;

/** The grants of the selected checkboxes. The API rejects an unknown resource or scope. */
export const toGrants = (selected: readonly string[]): Agent['resourceGrants'] => {
  const pairs = selected.map((value) => value.split(' '));
  const byResource = Map.groupBy(pairs, ([resource]) => resource!);
  return [...byResource].map(([resource, chosen]) => ({
    resource,
    scopes: chosen.map(([, ...scope]) => scope.join(' ')),
  }));
};
