import { domainToUnicode } from 'node:url';

/** An address as a person reads it: the API answers its domain in A-labels. */
export const readableEmail = (email: string): string => {
  const at = email.lastIndexOf('@') + 1;
  return email.slice(0, at) + (domainToUnicode(email.slice(at)) || email.slice(at));
};
