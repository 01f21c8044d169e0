import { fields } from '../parameters.ts';
import type { Kind, Output } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import type { Cause } from '../wire.ts';

export interface Call<P> {
  /** The id in the path. Empty if the path has none. */
  id: string;
  params: P;
  cause: Cause;
}

type Method = 'GET' | 'POST' | 'DELETE';
type Shape = Record<string, Kind<unknown>>;

/** An operation of Stripe's API. */
export interface Route {
  method: Method;
  /** The path as in Stripe's OpenAPI document: `/v1/prices/{price}`. */
  path: string;
  read: Kind<unknown>;
  handle(stand: Stand, call: Call<unknown>): object;
}

/** A route: `POST /v1/prices`, its parameters and its handler. */
export const route = <S extends Shape>(
  operation: `${Method} /v1/${string}`,
  takes: S,
  handle: (stand: Stand, call: Call<Output<S>>) => object,
): Route => {
  const [method, path] = operation.split(' ') as [Method, string];
  return { method, path, read: fields(takes), handle: handle as Route['handle'] };
};
