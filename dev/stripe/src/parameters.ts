import { invalid } from './errors.ts';
import { inOrder } from './form.ts';
import type { Tree } from './form.ts';

/** Parses one parameter. `path` is its name in Stripe's form: `line_items[0][price]`. */
export type Kind<T> = (value: Tree, path: string) => T;
type Required<T> = Kind<T> & { required: true };
type Shape = Record<string, Kind<unknown>>;

export type Output<S extends Shape> = {
  [K in keyof S as S[K] extends Required<unknown> ? K : never]: ReturnType<S[K]>;
} & { [K in keyof S as S[K] extends Required<unknown> ? never : K]?: ReturnType<S[K]> };

export const required = <T>(kind: Kind<T>): Required<T> =>
  Object.assign((value: Tree, path: string) => kind(value, path), { required: true as const });

export const text: Kind<string> = (value, path) => {
  if (typeof value !== 'string') throw invalid('Invalid string', { param: path });
  return value;
};

/** An empty value unsets the field. */
export const emptyable =
  <T>(kind: Kind<T>): Kind<T | null> =>
  (value, path) =>
    value === '' ? null : kind(value, path);

export const nonEmpty: Kind<string> = (value, path) => {
  if (value !== '') return text(value, path);
  throw invalid(`You passed an empty string for '${path}'.`, {
    code: 'parameter_invalid_empty',
    param: path,
  });
};

export const integer: Kind<number> = (value, path) => {
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
  throw invalid(`Invalid integer: ${String(value)}`, { code: 'parameter_invalid_integer', param: path });
};

export const flag: Kind<boolean> = (value, path) => {
  if (value === 'true' || value === 'false') return value === 'true';
  throw invalid(`Invalid boolean: ${String(value)}`, { param: path });
};

export const oneOf =
  <const T extends string>(...choices: T[]): Kind<T> =>
  (value, path) => {
    const choice = choices.find((one) => one === value);
    if (choice !== undefined) return choice;
    throw invalid(`Invalid ${path}: must be one of ${choices.join(', ')}`, { param: path });
  };

export const url: Kind<string> = (value, path) => {
  const given = text(value, path);
  if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return given;
  throw invalid('Not a valid URL', { code: 'url_invalid', param: path });
};

export const arrayOf =
  <T>(kind: Kind<T>): Kind<T[]> =>
  (value, path) => {
    if (typeof value === 'string') throw invalid('Invalid array', { param: path });
    return inOrder(value).map((item, index) => kind(item, `${path}[${index}]`));
  };

/** Names → text. `null`: unset all. A name can be a number. */
export const metadata: Kind<Record<string, string> | null> = (value, path) => {
  if (value === '') return null;
  if (typeof value === 'string') throw invalid('Invalid object', { param: path });
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, text(item, `${path}[${name}]`)]),
  );
};

const inside = (path: string, name: string): string => (path ? `${path}[${name}]` : name);

/** Parameters by name. Unknown and missing ones are Stripe errors. */
export const fields =
  <S extends Shape>(shape: S): Kind<Output<S>> =>
  (value, path) => {
    if (typeof value === 'string') throw invalid('Invalid object', { param: path });
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(shape, name));
    if (unknown !== undefined) {
      const param = inside(path, unknown);
      throw invalid(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param });
    }
    for (const [name, kind] of Object.entries(shape)) {
      const param = inside(path, name);
      if ('required' in kind && value[name] === undefined) {
        throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
      }
    }
    const read = Object.entries(value).map(([name, tree]) => [name, shape[name]?.(tree, inside(path, name))]);
    return Object.fromEntries(read) as Output<S>;
  };

/** Merges like Stripe: an empty value removes a name, and null removes all. */
export const mergeMetadata = (
  old: Record<string, string>,
  given: Record<string, string> | null | undefined,
): Record<string, string> => {
  if (given === null) return {};
  return Object.fromEntries(Object.entries({ ...old, ...given }).filter(([, value]) => value !== ''));
};
