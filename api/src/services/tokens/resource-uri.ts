/** RFC 8707 section 2: an absolute URI without a fragment. */
export const isResourceUri = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && !text.includes('#') && URL.canParse(text);

/**
 * One text for all spellings of a resource (RFC 3986 sections 6.2.2 and 6.2.3): http and https have scheme and host in
 * lower case, no default port, and an origin no slash. URIs of other schemes are compared as they stand.
 */
export const canonicalResource = (uri: string): string => {
  const { protocol, origin, href } = new URL(uri);
  if (protocol !== 'http:' && protocol !== 'https:') return uri;
  return href === `${origin}/` ? origin : href;
};

/** Whether what a request names is this resource, however it is spelt. */
export const isResource = (text: string, resource: string): boolean =>
  isResourceUri(text) && canonicalResource(text) === canonicalResource(resource);
