/** RFC 3986: what stands for itself or is percent-encoded, in every part. */
const COMMON = "[\\w\\-.~!$&'()*+,;=]|%[\\da-f]{2}";
const USER = `(?:${COMMON}|:)*@`;
const HOST = `(?:\\[[\\da-f:.]+\\]|(?:${COMMON})*)`;
const PCHAR = `(?:${COMMON}|[:@])`;
const PATH = `(?://(?:${USER})?${HOST}(?::\\d*)?(?:/${PCHAR}*)*|/?${PCHAR}+(?:/${PCHAR}*)*|/)`;

/** Its section 4.3, with a part after the scheme that is not empty. */
const ABSOLUTE_URI = new RegExp(`^[a-z][a-z\\d+.-]*:${PATH}(?:\\?(?:${PCHAR}|[/?])*)?$`, 'i');

/** RFC 9110 section 4.2: these have an authority, and a host in it. */
const HTTP_WITHOUT_HOST = /^https?:(?!\/\/[^/?])/i;

/**
 * RFC 8707 section 2: an absolute URI without a fragment. The URL parser alone is no judge: it also takes what browsers
 * let people type, such as `https:host` and `https:\\host`, and reads it as another text.
 */
export const isResourceUri = (text: string): boolean =>
  ABSOLUTE_URI.test(text) && !HTTP_WITHOUT_HOST.test(text) && URL.canParse(text);

/** RFC 3986 sections 6.2.2.1 and 6.2.2.2: unreserved characters stand as they are, the others in capitals. */
const normalisePercent = (uri: string): string =>
  uri.replace(/%[\da-f]{2}/gi, (code) => {
    const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[a-z\d\-._~]/i.test(character) ? character : code.toUpperCase();
  });

/** http and https have scheme and host in lower case, no default port, and an origin no slash. */
const normaliseUrl = (uri: string): string => {
  const { protocol, origin, href } = new URL(uri);
  if (protocol !== 'http:' && protocol !== 'https:') return protocol + uri.slice(protocol.length);
  return href === `${origin}/` ? origin : href;
};

/** One text for all spellings of a resource (RFC 3986 sections 6.2.2 and 6.2.3). */
export const canonicalResource = (uri: string): string => normaliseUrl(normalisePercent(uri));

/**
 * The texts of all spellings under which a resource may be stored, the closest first: earlier versions left the
 * percent-encoding as it was. None of what is no URI.
 */
export const canonicalForms = (text: string): string[] =>
  isResourceUri(text) ? [normaliseUrl(text), canonicalResource(text)] : [];

/** What an earlier version may have stored for a URI: it is found as it was written. */
export const mayBeStored = (text: string): boolean => /^[\x21-\x7e]{1,256}$/.test(text);

/** Whether what a request names is this resource, however it is spelt. */
export const isResource = (text: string, resource: string): boolean =>
  isResourceUri(text) && canonicalResource(text) === canonicalResource(resource);
