import { LRUCache } from 'lru-cache';

/**
 * Remembers for so long what was found. Whoever asks before the answer is there waits for the same one, so that a
 * busy client whose time is over is looked up once and not by each of its requests. Nothing found is not remembered,
 * and a failure neither.
 */
export const keep = <Key extends string[], Found>(
  ttlMs: number,
  find: (...key: Key) => Promise<Found | undefined>,
): ((...key: Key) => Promise<Found | undefined>) => {
  const known = new LRUCache<string, Promise<Found | undefined>>({ max: 10_000, ttl: ttlMs });
  return (...key) => {
    const id = key.join(' ');
    const kept = known.get(id);
    if (kept) return kept;
    const asked = find(...key);
    const forget = (): void => {
      if (known.peek(id) === asked) known.delete(id);
    };
    known.set(id, asked);
    asked.then((found) => found === undefined && forget(), forget);
    return asked;
  };
};
