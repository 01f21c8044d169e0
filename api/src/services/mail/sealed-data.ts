import { open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';

/** Encrypted data of a mail that contains a secret. */
export interface SealedData {
  sealed: string;
}

const contextOf = (mailId: string): string => `a mail\n${mailId}`;

/** Binds the data to the mail's row: copied to another row, it cannot be decrypted. */
export const sealData = (keys: Keyring, mailId: string, data: object): SealedData => ({
  sealed: seal(keys, JSON.stringify(data), contextOf(mailId)),
});

/** The data of a row, encrypted or not. */
export const openData = <D extends object>(keys: Keyring, mailId: string, data: D | SealedData): D =>
  'sealed' in data ? (JSON.parse(open(keys, data.sealed, contextOf(mailId))) as D) : data;
