import { expect, it } from 'vitest';
import { cursorPages } from '../src/lib/pages/cursor-pages.ts';

const at = (path: string): URL => new URL(path, 'http://dashboard.invalid');

it('The only page has no links', () => {
  expect(cursorPages(at('/agents?q=a'), null)).toEqual({});
});

it('The way back has each page, and the search', () => {
  const first = cursorPages(at('/agents?q=a&dialog=x&done=y'), 'B');
  expect(first).toEqual({ next: '/agents?q=a&cursor=B&earlier=' });
  const second = cursorPages(at(first.next!), 'C');
  expect(second).toEqual({
    previous: '/agents?q=a',
    next: '/agents?q=a&cursor=C&earlier=&earlier=B',
  });
  expect(cursorPages(at(second.next!), null)).toEqual({
    first: '/agents?q=a',
    previous: '/agents?q=a&cursor=B&earlier=',
  });
});

it('Without search and cursor the path is plain', () => {
  expect(cursorPages(at('/agents?cursor=B&earlier='), null)).toEqual({ previous: '/agents' });
});

it('A page whose way is unknown leads to the first one', () => {
  expect(cursorPages(at('/agents?cursor=B'), null)).toEqual({ first: '/agents' });
});

it('Of a long way the last twenty pages are kept', () => {
  let url = at('/agents');
  for (let i = 1; i <= 30; i++) url = at(cursorPages(url, `c${i}`).next!);
  const earlier = url.searchParams.getAll('earlier');
  expect([earlier.length, earlier[0], earlier.at(-1)]).toEqual([20, 'c10', 'c29']);
});
