import { ApiError } from '@sentryagent/sdk';
import { error, fail, json, redirect } from '@sveltejs/kit';
import type { ActionFailure, RequestEvent } from '@sveltejs/kit';
import type { FormProblem } from '#lib/forms/problem.ts';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

const AWAY = 'SentryAgent is unavailable. Try again in a moment.';

const isAway = ({ status }: ApiError): boolean => status === 0 || (status >= 502 && status <= 504);

const isSignedOut = ({ status, code }: ApiError): boolean => status === 401 && code !== 'invalid_credentials';

const currentPath = ({ url }: RequestEvent): string => url.pathname + url.search;

/** Ends a page's request: an ended session leads to the sign-in page, everything else to an error page. */
export const failPage = (event: RequestEvent, failure: unknown): never => {
  if (!(failure instanceof ApiError)) throw failure;
  if (isSignedOut(failure)) redirect(303, signInPath(currentPath(event)));
  if (isAway(failure)) error(503, AWAY);
  error(failure.status, failure.detail);
};

/** What a form calls its fields, by their names: the subject of what the API says of them. */
export type FieldSubjects = Readonly<Record<string, string>>;

/** Codes that blame a field without naming it. */
const blamed: Readonly<Record<string, string>> = { email_taken: 'email', agent_name_taken: 'name' };

/** What is wrong with which field: the API names it `body.<field>`, and its words follow the field's name. */
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
  const field = blamed[code];
  if (field) wrong.push([field, message]);
  // Of several findings the first says most.
  return Object.fromEntries(wrong.filter(([name]) => Object.hasOwn(subjects, name)).reverse());
};

/** Words for a failure of which the API's own say too little here, by its code. */
export type CodeWords = Readonly<Record<string, string>>;

const toProblem = (failure: ApiError, subjects: FieldSubjects, byCode: CodeWords): FormProblem => {
  const message = byCode[failure.code] ?? (isAway(failure) ? AWAY : failure.detail);
  return { message, fields: wrongFields(failure, subjects, message), code: failure.code };
};

/** Answers a form with what went wrong and what was typed; never hand it a password. */
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

/** Answers a script of ours: a status that it acts on is kept, everything else counts as being away. */
export const failScript = (failure: unknown, kept: readonly number[]): Response => {
  if (!(failure instanceof ApiError)) throw failure;
  return json({ code: failure.code }, { status: kept.includes(failure.status) ? failure.status : 503 });
};
