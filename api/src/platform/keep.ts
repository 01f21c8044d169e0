import { LRUCache } from 'lru-cache';
import { remember } from './remember.ts';

/**
 * Remembers for so long what was found. Whoever asks before the answer is there waits for the same one, so that a
 * busy client whose time is over is looked up once and not by each of its requests. Nothing found is not remembered,
 * and a failure neither.
 */
export const keep = <Key extends string[], Found>(
  ttlMs: number,
  find: (...key: Key) => Promise<Found>,
): ((...key: Key) => Promise<Found>) => {
  const known = new LRUCache<string, Promise<Found>>({ max: 10_000, ttl: ttlMs });
  return (...key) => {
    const id = key.join(' ');
    return known.get(id) ?? remember(known, id, find(...key), (found) => found !== undefined);
  };
};
