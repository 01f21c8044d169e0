import { LRUCache } from 'lru-cache';
import { remember } from './remember.ts';

/**
 * Caches results for `ttlMs`. Concurrent callers share one look-up, so a busy client is looked up once after its entry
 * expires. `undefined` and failures are not cached.
 */
export const cached = <Key extends string[], Found>(
  ttlMs: number,
  find: (...key: Key) => Promise<Found>,
): ((...key: Key) => Promise<Found>) => {
  const known = new LRUCache<string, Promise<Found>>({ max: 10_000, ttl: ttlMs });
  return (...key) => {
    const id = key.join(' ');
    return known.get(id) ?? remember(known, id, find(...key), (found) => found !== undefined);
  };
};
