import { systemClock } from '../platform/clock.ts';
import { createDatabase } from '../platform/database.ts';
import { countSealed } from '../services/housekeeping/count-sealed.ts';
import type { Sealed } from '../services/housekeeping/count-sealed.ts';
import { KEY_SET_MAX_AGE, KEY_TIMES, mayTakeOver } from '../services/signing-keys/key-stages.ts';
import { removeSigningKey, rotateSigningKeys } from '../services/signing-keys/rotate-signing-keys.ts';
import type { KeyChange } from '../services/signing-keys/rotate-signing-keys.ts';
import { readSigningKeys } from '../services/signing-keys/signing-key-rows.ts';
import type { SigningKeyRow } from '../services/signing-keys/signing-key-rows.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const db = createDatabase(config);
const now = systemClock();

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const words = {
  next: 'is published, and signs after the current one',
  current: 'signs',
  previous: 'signs no more, and is published until its last token has expired',
  gone: 'is gone',
} as const;

const tell = (changes: readonly KeyChange[]): void => {
  for (const { kid, to } of changes) say(`${kid} ${words[to]}`);
};

/** The first part of a sealed value names the key that opens it. */
const sealedBy = ({ private_key: sealed }: SigningKeyRow): string =>
  sealed === null ? 'no private half' : `sealed by ${sealed.split('.')[0]}`;

/** Whether an encryption key may be taken out of the setting. */
const adviceOn = (id: string, sealed: readonly Sealed[]): string => {
  const { current, ids } = config.KEY_ENCRYPTION_KEYS;
  if (id === current.id) return 'encrypts new values';
  if (!ids.includes(id)) return 'is missing: put it back into KEY_ENCRYPTION_KEYS';
  return sealed.length > 0 ? 'is still needed' : 'protects nothing: remove it if no process has it first';
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
  if (keys.length === 0) say('There is no key yet. The first start of the API makes one.');
  const order = Object.keys(words);
  for (const key of keys.sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status))) {
    say(`${key.kid}  ${key.status.padEnd(8)}  since ${key.since.toISOString()}  ${sealedBy(key)}`);
  }
  await listEncryptionKeys();
};

const rotate = async (): Promise<void> => {
  const changes = await rotateSigningKeys({ db, config }, { now, early: true });
  tell(changes);
  if (changes.some(({ to }) => to === 'current')) return;
  const next = (await db.acrossTenants(readSigningKeys)).find(({ status }) => status === 'next');
  if (next) {
    const at = mayTakeOver(next, KEY_TIMES).toISOString();
    say(`The next key was published a moment ago: it may sign from ${at}. Run this again then.`);
  }
};

const remove = async (kid: string): Promise<void> => {
  const removed = await removeSigningKey({ db, config }, kid, now);
  if (!removed) throw new Error(`there is no key "${kid}"; see npm run keys:rotate -- --list`);
  tell(removed.changes);
  if (removed.status === 'next') return say('It had signed nothing.');
  say(
    'What it costs: every token that it signed is refused by the API within a second. Agents get new ones.',
  );
  say(
    `Other services refuse them once they read the key set again, within ${KEY_SET_MAX_AGE} s of their last time.`,
  );
  const { publishedAt } = removed;
  if (publishedAt && now.getTime() - publishedAt.getTime() < KEY_SET_MAX_AGE * 1_000) {
    say('The key that signs now was just published: until then they may refuse its tokens, too.');
  }
};

try {
  if (config.list) await list();
  else if (config.emergency === undefined) await rotate();
  else await remove(config.emergency);
} catch (error) {
  process.stderr.write(`The keys are as they were: ${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await db.close();
}
