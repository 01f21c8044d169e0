import { fields } from '../parameters.ts';
import type { Kind, Output } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import type { Cause } from '../wire.ts';

export interface Call<P> {
  /** The id in the path; empty where it has none. */
  id: string;
  params: P;
  cause: Cause;
}

type Method = 'GET' | 'POST' | 'DELETE';
type Shape = Record<string, Kind<unknown>>;

/** An operation of Stripe's API. */
export interface Route {
  method: Method;
  /** With the parameter's name as Stripe's OpenAPI document has it: `/v1/prices/{price}`. */
  path: string;
  read: Kind<unknown>;
  handle(stand: Stand, call: Call<unknown>): object;
}

/** `POST /v1/prices`, what it takes, and what it does. */
export const route = <S extends Shape>(
  operation: `${Method} /v1/${string}`,
  takes: S,
  handle: (stand: Stand, call: Call<Output<S>>) => object,
): Route => {
  const [method, path] = operation.split(' ') as [Method, string];
  return { method, path, read: fields(takes), handle: handle as Route['handle'] };
};
