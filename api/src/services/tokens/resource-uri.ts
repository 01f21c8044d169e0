/** RFC 8707 section 2: an absolute URI without a fragment. Nothing in it is normalised: it is compared as it stands. */
export const isResourceUri = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && !text.includes('#') && URL.canParse(text);

/** Whether what a request names is this resource. */
export const isResource = (text: string, resource: string): boolean =>
  isResourceUri(text) && text === resource;
