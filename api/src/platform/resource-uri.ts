/** RFC 3986: the literal and percent-encoded characters that every part allows. */
const COMMON = "[\\w\\-.~!$&'()*+,;=]|%[\\da-f]{2}";
const USER = `(?:${COMMON}|:)*@`;
const HOST = `(?:\\[[\\da-f:.]+\\]|(?:${COMMON})*)`;
const PCHAR = `(?:${COMMON}|[:@])`;
const PATH = `(?://(?:${USER})?${HOST}(?::\\d*)?(?:/${PCHAR}*)*|/?${PCHAR}+(?:/${PCHAR}*)*|/)`;

/** RFC 3986 section 4.3, with a non-empty part after the scheme. */
const ABSOLUTE_URI = new RegExp(`^[a-z][a-z\\d+.-]*:${PATH}(?:\\?(?:${PCHAR}|[/?])*)?$`, 'i');

/** RFC 9110 section 4.2: these schemes need an authority with a host. */
const HTTP_WITHOUT_HOST = /^https?:(?!\/\/[^/?])/i;

/**
 * RFC 8707 section 2: an absolute URI without a fragment. The URL parser alone is too lenient: it also accepts and
 * rewrites input such as `https:host` and `https:\\host`.
 */
export const isResourceUri = (text: string): boolean =>
  ABSOLUTE_URI.test(text) && !HTTP_WITHOUT_HOST.test(text) && URL.canParse(text);

/**
 * RFC 3986 sections 6.2.2.1 and 6.2.2.2: decodes unreserved characters. The other percent-encodings become upper case.
 */
const normalisePercent = (uri: string): string =>
  uri.replace(/%[\da-f]{2}/gi, (code) => {
    const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[a-z\d\-._~]/i.test(character) ? character : code.toUpperCase();
  });

/** For http and https: scheme and host in lower case, no default port, no slash after an origin. */
const normaliseUrl = (uri: string): string => {
  const { protocol, origin, href } = new URL(uri);
  if (protocol !== 'http:' && protocol !== 'https:') return protocol + uri.slice(protocol.length);
  return href === `${origin}/` ? origin : href;
};

/** The canonical form of all spellings of a resource (RFC 3986 sections 6.2.2 and 6.2.3). */
export const canonicalResource = (uri: string): string => normaliseUrl(normalisePercent(uri));

/**
 * All spellings under which a resource may be stored, the closest first. Earlier versions did not normalize the
 * percent-encoding. Empty if the text is not a URI.
 */
export const canonicalForms = (text: string): string[] =>
  isResourceUri(text) ? [normaliseUrl(text), canonicalResource(text)] : [];

/** The form that an earlier version may have stored. */
export const mayBeStored = (text: string): boolean => /^[\x21-\x7e]{1,256}$/.test(text);

/** Whether the identifier in a request is this resource, in any spelling. */
export const isResource = (text: string, resource: string): boolean =>
  isResourceUri(text) && canonicalResource(text) === canonicalResource(resource);
