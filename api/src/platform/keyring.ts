import { createSecretKey, type KeyObject } from 'node:crypto';

/** 256-bit secrets with ids. The first one is current. The others still decrypt or verify older values. */
export interface Keyring {
  current: { id: string; key: KeyObject };
  find(id: string): KeyObject | undefined;
  ids: readonly string[];
}

/** Parses `id:base64,id:base64`. Throws an error for the operator. */
export const parseKeyring = (text: string): Keyring => {
  const entries = text.split(',').map((entry) => {
    const [id, encoded] = entry.trim().split(':');
    if (!id || !/^[A-Za-z0-9_-]{1,16}$/.test(id) || !encoded)
      throw new Error('must be a comma-separated list of id:base64');
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== 32) throw new Error(`has a key "${id}" that is not 32 bytes in base64`);
    // A `KeyObject`, because an HMAC with raw bytes takes five times as long.
    return { id, key: createSecretKey(key) };
  });
  const keys = new Map(entries.map(({ id, key }) => [id, key]));
  if (keys.size !== entries.length) throw new Error('must not use an id twice');
  // Splitting a text yields at least one entry.
  return { current: entries[0]!, find: (id) => keys.get(id), ids: [...keys.keys()] };
};
