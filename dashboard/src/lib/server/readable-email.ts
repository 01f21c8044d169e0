import { domainToUnicode } from 'node:url';

/** The email address with a Unicode domain. The API returns domains as A-labels. */
export const readableEmail = (email: string): string => {
  const at = email.lastIndexOf('@') + 1;
  return email.slice(0, at) + (domainToUnicode(email.slice(at)) || email.slice(at));
};
