import type { ListAgentsData } from '@sentryagent/sdk';
import { agentTypes, environments, type Choice } from './agent-choices.ts';

type Query = NonNullable<ListAgentsData['query']>;

export type AgentSort = NonNullable<Query['sort']>;

/** The first choice of each filter is the default. It is empty, so it is not in the URL. */
export const statusChoices = [
  { value: '', name: 'Active and suspended' },
  { value: 'active', name: 'Active' },
  { value: 'suspended', name: 'Suspended' },
  { value: 'decommissioned', name: 'Decommissioned' },
  { value: 'all', name: 'All statuses' },
] as const;

export const typeChoices = [{ value: '', name: 'All types' }, ...agentTypes] as const;

export const environmentChoices = [{ value: '', name: 'All environments' }, ...environments] as const;

export const sortChoices = [
  { value: '-createdAt', name: 'Newest first' },
  { value: 'createdAt', name: 'Oldest first' },
  { value: 'name', name: 'Name, A to Z' },
  { value: '-name', name: 'Name, Z to A' },
  { value: '-lastTokenAt', name: 'Last used first' },
  { value: 'lastTokenAt', name: 'Longest unused first' },
] as const satisfies readonly Choice<AgentSort>[];

type ValueOf<Choices extends readonly Choice[]> = Choices[number]['value'];

/** What the list shows. It is all in the URL. */
export interface ListState {
  q: string;
  status: ValueOf<typeof statusChoices>;
  type: ValueOf<typeof typeChoices>;
  environment: ValueOf<typeof environmentChoices>;
  /** A user id, or empty. */
  owner: string;
  sort: AgentSort;
  /** Empty on the first page. */
  cursor: string;
}

export const defaultState: ListState = {
  q: '',
  status: '',
  type: '',
  environment: '',
  owner: '',
  sort: '-createdAt',
  cursor: '',
};

const names = Object.keys(defaultState) as (keyof ListState)[];

/** The API refuses a longer text. */
export const MAX_SEARCH = 128;

const choose = <Value extends string>(
  choices: readonly Choice<Value>[],
  value: string | null,
  fallback: Value,
): Value => choices.find((choice) => choice.value === value)?.value ?? fallback;

/** Reads the URL. What it does not know is the default. */
export const readListState = (params: URLSearchParams): ListState => ({
  q: (params.get('q') ?? '').trim().slice(0, MAX_SEARCH),
  status: choose(statusChoices, params.get('status'), ''),
  type: choose(typeChoices, params.get('type'), ''),
  environment: choose(environmentChoices, params.get('environment'), ''),
  owner: params.get('owner') ?? '',
  sort: choose(sortChoices, params.get('sort'), defaultState.sort),
  cursor: params.get('cursor') ?? '',
});

/** The path of the list below the console, with all of the state that is not the default. */
export const listPath = (state: Partial<ListState>): 'agents' | `agents?${string}` => {
  const params = new URLSearchParams();
  for (const name of names) {
    const value = state[name] ?? defaultState[name];
    if (value !== defaultState[name]) params.set(name, value);
  }
  return params.size > 0 ? `agents?${params}` : 'agents';
};

/** The first page of the same agents in another order. */
export const sortedPath = (state: ListState, sort: AgentSort) => listPath({ ...state, sort, cursor: '' });

/** Whether a search or a filter hides agents, other than the decommissioned ones. */
export const isNarrowed = ({ q, status, type, environment, owner }: ListState): boolean =>
  [q, type, environment, owner].some((value) => value !== '') || (status !== '' && status !== 'all');

const statusesOf = (status: ListState['status']): Query['status'] => {
  if (status === 'all') return undefined;
  return status === '' ? ['active', 'suspended'] : [status];
};

export const toQuery = ({ q, status, type, environment, owner, sort, cursor }: ListState): Query => ({
  q: q || undefined,
  status: statusesOf(status),
  agentType: type || undefined,
  deploymentEnv: environment || undefined,
  owner: owner || undefined,
  sort,
  cursor: cursor || undefined,
});
