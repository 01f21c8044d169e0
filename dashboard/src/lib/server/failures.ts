import { ApiError } from '@sentryagent/sdk';
import { error, fail, json, redirect } from '@sveltejs/kit';
import type { ActionFailure, RequestEvent } from '@sveltejs/kit';
import type { FormProblem } from '#lib/forms/problem.ts';
import { signInPath } from '#lib/navigation/safe-redirect.ts';

const AWAY = 'SentryAgent can’t be reached right now. Try again in a moment.';

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

/** Words for the fields of a form, by the name of the field. */
export type FieldWords = Readonly<Record<string, string>>;

/** Our words for the fields that the API found wrong: it names them `body.<field>`. */
const wrongFields = ({ problem }: ApiError, words: FieldWords): FieldWords => {
  const found = (problem.errors ?? []) as { path: string }[];
  const names = found.map(({ path }) => path.replace(/^body\./, ''));
  return Object.fromEntries(Object.entries(words).filter(([name]) => names.includes(name)));
};

/** Words for a failure of which the API's own say too little here, by its code. */
export type CodeWords = Readonly<Record<string, string>>;

const toProblem = (failure: ApiError, words: FieldWords, byCode: CodeWords): FormProblem => ({
  message: byCode[failure.code] ?? (isAway(failure) ? AWAY : failure.detail),
  fields: wrongFields(failure, words),
  limit: failure.code === 'free_tier_limit',
});

/** Answers a form with what went wrong and what was typed; never hand it a secret. */
export const failForm = <Values extends Record<string, string>>(
  event: RequestEvent,
  failure: unknown,
  values: Values,
  words: FieldWords,
  byCode: CodeWords = {},
): ActionFailure<{ problem: FormProblem; values: Values }> => {
  if (!(failure instanceof ApiError)) throw failure;
  if (isSignedOut(failure)) redirect(303, signInPath(event.url.pathname));
  const problem = toProblem(failure, words, byCode);
  return fail(failure.status === 0 ? 503 : failure.status, { problem, values });
};

/** Answers a script of ours: a status that it acts on is kept, everything else counts as being away. */
export const failScript = (failure: unknown, kept: readonly number[]): Response => {
  if (!(failure instanceof ApiError)) throw failure;
  return json({ code: failure.code }, { status: kept.includes(failure.status) ? failure.status : 503 });
};
