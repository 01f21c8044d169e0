import { domainToUnicode } from 'node:url';
import { dictionary } from '@zxcvbn-ts/language-common';
import { Problem } from '../../platform/problem.ts';

const normalize = (text: string): string => text.normalize('NFKC').toLowerCase();

/** 18,000 of the most common passwords. Shorter ones are refused by their length. */
const common: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter(({ length }) => length >= 8).map(normalize),
);

/** In characters. Shorter parts are in many good passwords by chance. */
const SHORTEST_PART = 4;

/** The part before the @, without and with its `+tag`. */
const localParts = (local: string): string[] => [local, local.split('+')[0]!];

/** The labels of the domain except the last, as they are stored and as people write them. */
const domainNames = (domain: string): string[] =>
  [domain, domainToUnicode(domain)].flatMap((name) => name.split('.').slice(0, -1));

const reasonAgainst = (password: string, email: string): string | undefined => {
  const text = normalize(password);
  if (common.has(text)) return 'The password is one of the most common ones.';
  const at = email.lastIndexOf('@');
  const isInside = (part: string): boolean => part.length >= SHORTEST_PART && text.includes(normalize(part));
  if (localParts(email.slice(0, at)).some(isInside))
    return 'The password contains the part of your email address before the @.';
  if (domainNames(email.slice(at + 1)).some(isInside))
    return 'The password contains the domain name of your email address.';
  return undefined;
};

/** Problem: `weak_password`, if the password is common or contains a part of the email address. */
export const checkPassword = (password: string, email: string): void => {
  const reason = reasonAgainst(password, email);
  if (reason) throw new Problem('weak_password', `${reason} Choose another one, such as four random words.`);
};
