import { ApiError } from '@sentryagent/sdk';
import { error, fail, json, redirect } from '@sveltejs/kit';
import type { ActionFailure, RequestEvent } from '@sveltejs/kit';
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

/** Field names → the words that a form uses for them. They become the subject of the API's error messages. */
export type FieldSubjects = Readonly<Record<string, string>>;

/** Error codes that are about one field, but do not name it. The form has one of these fields. */
const blamed: Readonly<Record<string, readonly string[]>> = {
  email_taken: ['email'],
  email_unchanged: ['email'],
  agent_name_taken: ['name'],
  weak_password: ['newPassword', 'password'],
  wrong_password: ['currentPassword', 'password'],
  invalid_code: ['code'],
};

/** The error of each field. The API's path is `body.<field>`, and its message continues after the field's name. */
const wrongFields = (
  { code, problem }: ApiError,
  subjects: FieldSubjects,
  message: string,
): FormProblem['fields'] => {
  const found = (problem.errors ?? []) as { path: string; message: string }[];
  const wrong = found.map(({ path, message: words }): [string, string] => {
    const name = path.replace(/^body\./, '');
    return [name, `${subjects[name]} ${words}.`];
  });
  for (const field of blamed[code] ?? []) wrong.push([field, message]);
  // Reversed, so that the first error of a field wins.
  return Object.fromEntries(wrong.filter(([name]) => Object.hasOwn(subjects, name)).reverse());
};

/** Error codes → messages that replace the API's. */
export type CodeWords = Readonly<Record<string, string>>;

const toProblem = (failure: ApiError, subjects: FieldSubjects, byCode: CodeWords): FormProblem => {
  const message = byCode[failure.code] ?? (isUnavailable(failure) ? UNAVAILABLE : failure.detail);
  return { message, fields: wrongFields(failure, subjects, message), code: failure.code };
};

/** Returns the errors and the entered values to the form. Never pass a password in `values`. */
export const failForm = <Values extends Record<string, string | readonly string[]>>(
  event: RequestEvent,
  failure: unknown,
  values: Values,
  subjects: FieldSubjects,
  byCode: CodeWords = {},
): ActionFailure<{ problem: FormProblem; values: Values }> => {
  if (!(failure instanceof ApiError)) throw failure;
  if (isSignedOut(failure)) redirect(303, signInPath(event.url.pathname));
  const problem = toProblem(failure, subjects, byCode);
  return fail(failure.status === 0 ? 503 : failure.status, { problem, values });
};

/** The response to a script of ours. A status in `kept` is passed on. Any other becomes 503. */
export const failScript = (failure: unknown, kept: readonly number[]): Response => {
  if (!(failure instanceof ApiError)) throw failure;
  return json({ code: failure.code }, { status: kept.includes(failure.status) ? failure.status : 503 });
};
