import type { RotatedKey } from '@sentryagent/workflows/contracts';
import { systemClock } from '../platform/clock.ts';
import { runCommand, say } from '../platform/command.ts';
import { createDatabase } from '../platform/database.ts';
import { countSealed, type Sealed } from '../services/housekeeping/count-sealed.ts';
import { KEY_SET_MAX_AGE, KEY_TIMES, mayTakeOver } from '../services/signing-keys/key-stages.ts';
import { removeSigningKey, rotateSigningKeys } from '../services/signing-keys/rotate-signing-keys.ts';
import { readSigningKeys, type SigningKeyRow } from '../services/signing-keys/signing-key-rows.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const db = createDatabase(config);
const now = systemClock();

const words = {
  next: 'is published and becomes the current key at the next rotation',
  current: 'signs new tokens',
  previous: 'signs no new tokens and stays published until its last token expires',
  gone: 'is removed',
} as const;

const report = (changes: readonly RotatedKey[]): void => {
  for (const { kid, to } of changes) say(`${kid} ${words[to]}`);
};

/** The first part of an encrypted value is the id of its key. */
const sealedBy = ({ private_key: sealed }: SigningKeyRow): string =>
  sealed === null ? 'no private key' : `encrypted with ${sealed.split('.')[0]}`;

/** Says whether an encryption key can be removed from the setting. */
const adviceOn = (id: string, sealed: readonly Sealed[]): string => {
  const { current, ids } = config.KEY_ENCRYPTION_KEYS;
  if (id === current.id) return 'encrypts new values';
  if (!ids.includes(id)) return 'is missing: add it to KEY_ENCRYPTION_KEYS again';
  return sealed.length > 0
    ? 'is still needed'
    : 'is unused: remove it, unless it is first in the list of any process';
};

const listEncryptionKeys = async (): Promise<void> => {
  const byId = Map.groupBy(await db.acrossTenants(countSealed), ({ keyId }) => keyId);
  for (const id of new Set([...config.KEY_ENCRYPTION_KEYS.ids, ...byId.keys()])) {
    const sealed = byId.get(id) ?? [];
    const counts = sealed.map(({ what, count }) => `${what}: ${count}`).join(', ') || 'nothing';
    say(`encryption key ${id}  ${adviceOn(id, sealed)}  (${counts})`);
  }
};

const list = async (): Promise<void> => {
  const keys = await db.acrossTenants(readSigningKeys);
  if (keys.length === 0) say('No signing key exists yet. The API creates one at its first start.');
  const order = Object.keys(words);
  for (const key of keys.sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status))) {
    say(`${key.kid}  ${key.status.padEnd(8)}  since ${key.since.toISOString()}  ${sealedBy(key)}`);
  }
  await listEncryptionKeys();
};

const rotate = async (): Promise<void> => {
  const changes = await rotateSigningKeys({ db, config }, { now, early: true });
  report(changes);
  if (changes.some(({ to }) => to === 'current')) return;
  const next = (await db.acrossTenants(readSigningKeys)).find(({ status }) => status === 'next');
  if (next) {
    const at = mayTakeOver(next, KEY_TIMES).toISOString();
    say(`The next key was published recently and can sign from ${at}. Run this command again then.`);
  }
};

const remove = async (kid: string): Promise<void> => {
  const removed = await removeSigningKey({ db, config }, kid, now);
  if (!removed) throw new Error(`No signing key has the id "${kid}". Run npm run keys:rotate -- --list.`);
  report(removed.changes);
  if (removed.status === 'next') return say('It had not signed any tokens.');
  say('Within 1 second, the API rejects every token that this key signed. Agents must get new tokens.');
  say(`Other services reject these tokens within ${KEY_SET_MAX_AGE} s, when they read the key set again.`);
  const { publishedAt } = removed;
  if (publishedAt && now.getTime() - publishedAt.getTime() < KEY_SET_MAX_AGE * 1_000) {
    say('The current key was just published. Until then, other services can reject its tokens too.');
  }
};

const run = (): Promise<void> => {
  if (config.list) return list();
  return config.emergency === undefined ? rotate() : remove(config.emergency);
};

await runCommand({ run, failure: 'No key was changed', close: db.close });
