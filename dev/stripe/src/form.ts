/** A parsed form. Brackets become objects. The reader decides what is an array. */
export type Tree = string | Fields;
export interface Fields {
  [name: string]: Tree;
}

const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

/** `a[b][0][]` → `a`, `b`, `0`, ``. */
const namesOf = (key: string): string[] => {
  const [head = '', ...rest] = key.split('[');
  return [head, ...rest.map((name) => name.replace(/\]$/, ''))];
};

/** No prototype, because the names come from outside. */
const fields = (): Fields => Object.create(null) as Fields;

const put = (into: Fields, [name = '', ...rest]: string[], value: string): void => {
  const key = name === '' ? String(Object.keys(into).length) : name;
  if (rest.length === 0) {
    into[key] = value;
    return;
  }
  const inner = into[key];
  const next = typeof inner === 'object' ? inner : fields();
  into[key] = next;
  put(next, rest, value);
};

/** Parses `application/x-www-form-urlencoded` like Stripe. Throws a URIError if it cannot be decoded. */
export const parseForm = (...texts: string[]): Fields => {
  const result = fields();
  for (const pair of texts.flatMap((text) => text.split('&')).filter(Boolean)) {
    const at = pair.indexOf('=');
    const [key, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    put(result, namesOf(decode(key)), decode(value));
  }
  return result;
};

/** The values, sorted by index. */
export const inOrder = (tree: Fields): Tree[] =>
  Object.entries(tree)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => value);
