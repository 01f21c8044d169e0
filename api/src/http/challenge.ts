/** RFC 9110 section 5.6.4: a quoted-string, whatever the text. What no header can hold becomes a space. */
export const quoted = (text: string): string =>
  `"${text.replaceAll(/[^\t\x20-\x7e]/g, ' ').replaceAll(/["\\]/g, '\\$&')}"`;

/** A challenge of RFC 9110 section 11.6.1; a parameter that is `undefined` is left out. */
export const challenge = (
  scheme: 'Basic' | 'Bearer',
  parameters: Readonly<Record<string, string | undefined>> = {},
): string => {
  const pairs = Object.entries({ realm: 'sentryagent', ...parameters });
  const shown = pairs.flatMap(([name, value]) => (value === undefined ? [] : `${name}=${quoted(value)}`));
  return `${scheme} ${shown.join(', ')}`;
};
