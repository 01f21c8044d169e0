import { ApiError } from '@sentryagent/sdk';
import { error, fail, json, redirect, type ActionFailure, type RequestEvent } from '@sveltejs/kit';
import type { FormProblem } from '#lib/forms/problem.ts';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

const UNAVAILABLE = 'SentryAgent is unavailable. Try again in a moment.';

const isUnavailable = ({ status }: ApiError): boolean => status === 0 || (status >= 502 && status <= 504);

/** Whether the same request can succeed later. No response is status 0. */
export const isTemporary = ({ status }: ApiError): boolean => status === 0 || status === 429 || status >= 500;

const isSignedOut = ({ status, code }: ApiError): boolean => status === 401 && code !== 'invalid_credentials';

const currentPath = ({ url }: RequestEvent): string => url.pathname + url.search;

/** Redirects to the sign-in page if the session has expired. Otherwise shows an error page. */
export const failPage = (event: RequestEvent, failure: unknown): never => {
  if (!(failure instanceof ApiError)) throw failure;
  if (isSignedOut(failure)) redirect(303, signInPath(currentPath(event)));
  if (isUnavailable(failure)) error(503, UNAVAILABLE);
  error(failure.status, failure.detail);
};

/** For `catch`: `failPage` with this request. */
export const toPage =
  (event: RequestEvent) =>
  (failure: unknown): never =>
    failPage(event, failure);

/** Error codes that are about one field, but do not name it. The form has one of these fields. */
const blamed: Readonly<Record<string, readonly string[]>> = {
  email_taken: ['email'],
  email_unchanged: ['email'],
  agent_name_taken: ['name'],
  resource_taken: ['identifier'],
  weak_password: ['newPassword', 'password'],
  wrong_password: ['currentPassword', 'password'],
  invalid_code: ['code'],
};

/** The field of the form that an error is about: the API's path is `body.<field>`, or below it. */
const fieldOf = (path: string, names: readonly string[]): string | undefined =>
  names.find((name) => path === `body.${name}` || path.startsWith(`body.${name}.`));

/** The API's sentence about each field of the form. */
const wrongFields = (
  { code, problem }: ApiError,
  names: readonly string[],
  message: string,
): FormProblem['fields'] => {
  const found = (problem.errors ?? []) as { path: string; message: string }[];
  const wrong = found.map((error) => [fieldOf(error.path, names), error.message] as const);
  const field = blamed[code]?.find((name) => names.includes(name));
  if (field !== undefined) wrong.push([field, message]);
  // Reversed, so that the first error of a field wins.
  return Object.fromEntries(wrong.filter(([name]) => name !== undefined).reverse());
};

/** Error codes → messages that replace the API's. */
export type CodeWords = Readonly<Record<string, string>>;

const toProblem = (failure: ApiError, names: readonly string[], byCode: CodeWords): FormProblem => {
  const message = byCode[failure.code] ?? (isUnavailable(failure) ? UNAVAILABLE : failure.detail);
  return { message, fields: wrongFields(failure, names, message), code: failure.code };
};

/** Returns the errors and the entered values to the form. `fields`: as the API names them. Never pass a password in `values`. */
export const failForm = <Values extends Record<string, string | readonly string[]>>(
  event: RequestEvent,
  failure: unknown,
  values: Values,
  fields: readonly string[],
  byCode: CodeWords = {},
): ActionFailure<{ problem: FormProblem; values: Values }> => {
  if (!(failure instanceof ApiError)) throw failure;
  if (isSignedOut(failure)) redirect(303, signInPath(event.url.pathname));
  const problem = toProblem(failure, fields, byCode);
  return fail(failure.status === 0 ? 503 : failure.status, { problem, values });
};

interface Submitted<Values> {
  values?: Values;
  fields?: readonly string[];
  byCode?: CodeWords;
}

/** Waits for a change and redirects, so that a reload sends nothing again. If it is refused, returns to the form. */
export const submit = async <
  Result,
  Values extends Record<string, string | readonly string[]> = Record<never, never>,
>(
  event: RequestEvent,
  change: Promise<Result>,
  to: string | ((result: Result) => string),
  { values, fields = [], byCode }: Submitted<Values> = {},
) => {
  let result: Result;
  try {
    result = await change;
  } catch (failure) {
    return failForm(event, failure, values ?? ({} as Values), fields, byCode);
  }
  redirect(303, typeof to === 'string' ? to : to(result));
};

/** The response to a script of ours. A status in `kept` is passed on. Any other becomes 503. */
export const failScript = (failure: unknown, kept: readonly number[]): Response => {
  if (!(failure instanceof ApiError)) throw failure;
  return json({ code: failure.code }, { status: kept.includes(failure.status) ? failure.status : 503 });
};
