import { ApiError, type ErrorBody } from './api-error.ts';

export interface ClientOptions {
  /** The API's origin, such as `https://api.example.com`. */
  baseUrl: string;
  /** Default: the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** Sent with every request, such as `Authorization`. */
  headers?: Record<string, string>;
  /** Called with every response before its body is read. */
  onResponse?: (response: Response) => void;
  /** The time limit of a call. Default: 10,000. */
  timeoutMs?: number;
}

export interface Call {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** A list is a parameter that is repeated. */
  query?: Record<string, string | number | readonly string[] | undefined>;
  json?: unknown;
  form?: Record<string, string | undefined>;
  headers?: Record<string, string>;
  /** Asks for CSV instead of JSON and returns its text. */
  csv?: true;
  /** A status besides 2xx whose body is a result and not an error. */
  expects?: number;
}

const present = <T>(values: Record<string, T | undefined>): [string, T][] =>
  Object.entries(values).filter((entry): entry is [string, T] => entry[1] !== undefined);

const urlOf = (baseUrl: string, { path, query = {} }: Call): string => {
  const search = new URLSearchParams();
  for (const [name, value] of present(query)) {
    for (const one of [value].flat()) search.append(name, String(one));
  }
  return `${baseUrl.replace(/\/$/, '')}${path}${search.size ? `?${search}` : ''}`;
};

const bodyOf = ({ json, form }: Call): { body?: string; type?: string } => {
  if (form) {
    return { body: new URLSearchParams(present(form)).toString(), type: 'application/x-www-form-urlencoded' };
  }
  return json === undefined ? {} : { body: JSON.stringify(json), type: 'application/json' };
};

const readJson = async (response: Response): Promise<unknown> => {
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = 'The response did not come from the API. Check the URL of the API.';
    throw new ApiError(response.status, { error: 'unexpected_answer', detail }, null, cause);
  }
};

const retryAfter = (response: Response): number | null => {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds : null;
};

export type Send = <T>(call: Call) => Promise<T>;

/** The only fetch. Resolves to the parsed body of a 2xx. Otherwise rejects with an ApiError. */
export const createSend = (options: ClientOptions): Send => {
  const { baseUrl, fetch = globalThis.fetch, headers = {}, onResponse, timeoutMs = 10_000 } = options;

  const ask = async (call: Call): Promise<Response> => {
    const { body, type } = bodyOf(call);
    try {
      return await fetch(urlOf(baseUrl, call), {
        method: call.method,
        headers: {
          accept: call.csv ? 'text/csv' : 'application/json',
          ...headers,
          ...(type && { 'content-type': type }),
          ...call.headers,
        },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      const detail = 'The API could not be reached. Check the URL of the API and try again.';
      throw new ApiError(0, { error: 'network_error', detail }, null, cause);
    }
  };

  return async <T>(call: Call): Promise<T> => {
    const response = await ask(call);
    onResponse?.(response);
    if (call.csv && response.ok) return (await response.text()) as T;
    const body = await readJson(response);
    if (!response.ok && response.status !== call.expects)
      throw new ApiError(response.status, (body ?? {}) as ErrorBody, retryAfter(response));
    return body as T;
  };
};
