/** RFC 9110 section 5.6.4: a quoted-string. Characters that no header can contain become spaces. */
export const quoted = (text: string): string =>
  `"${text.replaceAll(/[^\t\x20-\x7e]/g, ' ').replaceAll(/["\\]/g, '\\$&')}"`;

/** A challenge of RFC 9110 section 11.6.1. Omits parameters that are `undefined`. */
export const challenge = (
  scheme: 'Basic' | 'Bearer',
  parameters: Readonly<Record<string, string | undefined>> = {},
): string => {
  const pairs = Object.entries({ realm: 'sentryagent', ...parameters });
  const shown = pairs.flatMap(([name, value]) => (value === undefined ? [] : `${name}=${quoted(value)}`));
  return `${scheme} ${shown.join(', ')}`;
};
