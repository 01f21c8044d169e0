import { expect, it } from 'vitest';
import {
  defaultState,
  isNarrowed,
  listPath,
  readListState,
  sortedPath,
  toQuery,
} from '../src/lib/agents/list-state.ts';
import type { ListState } from '../src/lib/agents/list-state.ts';

const read = (search: string): ListState => readListState(new URLSearchParams(search));

const full: ListState = {
  q: 'mail & more',
  status: 'suspended',
  type: 'router',
  environment: 'staging',
  owner: 'usr_1',
  sort: '-name',
  cursor: 'abc',
};

it('The state of the list survives its URL', () => {
  for (const state of [defaultState, full, { ...defaultState, status: 'all' as const }]) {
    expect(read(listPath(state).replace(/^agents\??/, ''))).toEqual(state);
  }
});

it('has nothing in the URL by default', () => {
  expect(listPath(defaultState)).toBe('agents');
  expect(listPath({})).toBe('agents');
  expect(listPath({ ...full, q: '', owner: '', cursor: '' })).toBe(
    'agents?status=suspended&type=router&environment=staging&sort=-name',
  );
});

it('sorts what is found, from its first page', () => {
  expect(read(sortedPath(full, 'name').replace(/^agents\??/, ''))).toEqual({
    ...full,
    sort: 'name',
    cursor: '',
  });
});

it('takes the default for what it does not know', () => {
  expect(read('status=gone&type=x&environment=moon&sort=id&colour=blue')).toEqual(defaultState);
  expect(read('q=&status=&type=&environment=&owner=&sort=&cursor=')).toEqual(defaultState);
  expect(read(`q=%20${'x'.repeat(200)}`).q).toBe('x'.repeat(128));
});

it('asks the API for what it shows', () => {
  expect(toQuery(defaultState)).toEqual({ status: ['active', 'suspended'], sort: '-createdAt' });
  expect(toQuery({ ...defaultState, status: 'all' }).status).toBeUndefined();
  expect(toQuery(full)).toEqual({
    q: 'mail & more',
    status: ['suspended'],
    agentType: 'router',
    deploymentEnv: 'staging',
    owner: 'usr_1',
    sort: '-name',
    cursor: 'abc',
  });
});

it('is narrowed by a search and each filter, and not by the sort', () => {
  for (const search of ['q=a', 'status=active', 'type=router', 'environment=staging', 'owner=usr_1'])
    expect(isNarrowed(read(search))).toBe(true);
  for (const search of ['', 'sort=name', 'status=all', 'cursor=abc'])
    expect(isNarrowed(read(search))).toBe(false);
});
