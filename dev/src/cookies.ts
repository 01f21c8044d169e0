/** The `name=value` pairs of an answer's Set-Cookie lines, as a browser would send them back. */
export const cookiesOf = ({ headers }: { headers: Headers }): string =>
  headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
