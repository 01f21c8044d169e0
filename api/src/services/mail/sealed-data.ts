import { open, seal } from '../../platform/envelope.ts';
import type { Keyring } from '../../platform/keyring.ts';

/** Data that holds a secret, as the mail's row keeps it. */
export interface SealedData {
  sealed: string;
}

const contextOf = (mailId: string): string => `a mail\n${mailId}`;

/** Bound to the mail's row: moved to another it does not open. */
export const sealData = (keys: Keyring, mailId: string, data: object): SealedData => ({
  sealed: seal(keys, JSON.stringify(data), contextOf(mailId)),
});

/** The data of a row, sealed or not. */
export const openData = <D extends object>(keys: Keyring, mailId: string, data: D | SealedData): D =>
  'sealed' in data ? (JSON.parse(open(keys, data.sealed, contextOf(mailId))) as D) : data;
