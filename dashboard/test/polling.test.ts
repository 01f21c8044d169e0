import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pollWhileVisible } from '../src/lib/navigation/polling.ts';

const createPage = (visibilityState: DocumentVisibilityState) => {
  const target = new EventTarget();
  return {
    visibilityState,
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
    become(state: DocumentVisibilityState) {
      this.visibilityState = state;
      target.dispatchEvent(new Event('visibilitychange'));
    },
  };
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('refreshes each minute while the page is seen', () => {
  const refresh = vi.fn();
  pollWhileVisible(refresh, 60_000, createPage('visible'));
  vi.advanceTimersByTime(59_999);
  expect(refresh).not.toHaveBeenCalled();
  vi.advanceTimersByTime(120_001);
  expect(refresh).toHaveBeenCalledTimes(3);
});

it('stops while hidden, and refreshes at once when seen again', () => {
  const refresh = vi.fn();
  const page = createPage('visible');
  pollWhileVisible(refresh, 60_000, page);
  page.become('hidden');
  vi.advanceTimersByTime(600_000);
  expect(refresh).not.toHaveBeenCalled();
  page.become('visible');
  expect(refresh).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(60_000);
  expect(refresh).toHaveBeenCalledTimes(2);
});

it('does nothing for a page that was opened hidden until it is seen', () => {
  const refresh = vi.fn();
  const page = createPage('hidden');
  pollWhileVisible(refresh, 60_000, page);
  vi.advanceTimersByTime(600_000);
  page.become('visible');
  expect(refresh).toHaveBeenCalledTimes(1);
});

it.each([
  ['was answered', (answer: PromiseWithResolvers<void>) => answer.resolve()],
  ['has failed', (answer: PromiseWithResolvers<void>) => answer.reject(new Error('away'))],
])('asks again only when the refresh before %s', async (_case, settle) => {
  const answer = Promise.withResolvers<void>();
  const refresh = vi.fn(() => answer.promise);
  pollWhileVisible(refresh, 2_000, createPage('visible'));
  await vi.advanceTimersByTimeAsync(9_000);
  expect(refresh).toHaveBeenCalledTimes(1);
  settle(answer);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).toHaveBeenCalledTimes(2);
});

it('ends for good when stopped', () => {
  const refresh = vi.fn();
  const page = createPage('visible');
  pollWhileVisible(refresh, 60_000, page)();
  vi.advanceTimersByTime(600_000);
  page.become('hidden');
  page.become('visible');
  expect(refresh).not.toHaveBeenCalled();
});

it('asks no more often if the page is said to be seen twice', () => {
  const refresh = vi.fn();
  const page = createPage('visible');
  const stop = pollWhileVisible(refresh, 60_000, page);
  page.become('visible');
  expect(refresh).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(refresh).toHaveBeenCalledTimes(1);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(refresh).toHaveBeenCalledTimes(1);
});
