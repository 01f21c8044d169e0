import { plural } from './plain-words.ts';
import { Problem } from './problem.ts';

/** What is wrong with a field of a request. */
export interface FieldFault {
  /** From the part of the request: `['body', 'scopes', 1]`. */
  path: readonly PropertyKey[];
  /** They continue after the field's name: `is required`. */
  words: string;
}

/** The names of fields for people. Any other name is its own words: `ownerTeam` is "owner team". */
const names = new Map<PropertyKey, string>([
  ['agentType', 'type'],
  ['deploymentEnv', 'environment'],
  ['email', 'email address'],
  ['expiresAt', 'expiry'],
  ['isPublic', 'public visibility'],
  ['kty', 'key type'],
  ['overlapSeconds', 'overlap in seconds'],
  ['q', 'search text'],
  ['tokenTtlSeconds', 'token lifetime in seconds'],
]);

/** A name with `_` or `-` is one of a protocol, such as `grant_type`, and stays as its developers know it. */
const isOfProtocol = (name: string): boolean => /[_-]/.test(name);

const nameOf = (field: PropertyKey): string => {
  const name = String(field);
  if (isOfProtocol(name)) return name;
  return names.get(field) ?? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
};

const PLURAL = /[^su]s$/;

const singular = (words: string): string => words.replace(/ies$/, 'y').replace(PLURAL, (end) => end[0]!);

const parts: Readonly<Record<string, string>> = {
  body: 'the request body',
  query: 'the query',
  params: 'the path',
};

/** `['resourceGrants', 0, 'scopes', 1]`: scope 2 of resource grant 1. */
const subjectOf = ([part, ...fields]: readonly PropertyKey[]): string => {
  if (fields.length === 0) return parts[String(part)]!;
  const subjects: string[] = [];
  for (const field of fields) {
    if (typeof field !== 'number') subjects.unshift(nameOf(field));
    else subjects[0] = `${singular(subjects[0]!)} ${field + 1}`;
  }
  const [subject, ...owners] = subjects;
  return [subject, ...owners.map((owner) => (/\d$/.test(owner) ? owner : `the ${owner}`))].join(' of ');
};

/** The words after a plural: `are required`. */
const verbs: readonly [RegExp, string][] = [
  [/^is /, 'are '],
  [/^has /, 'have '],
  [/^does /, 'do '],
];

const agree = (words: string, subject: string): string =>
  PLURAL.test(subject)
    ? verbs.reduce((text, [singularVerb, verb]) => text.replace(singularVerb, verb), words)
    : words;

const toSentence = ({ path, words }: FieldFault): string => {
  const subject = subjectOf(path);
  const text = `${subject} ${agree(words, subject.split(' of ')[0]!)}.`;
  return isOfProtocol(text.split(' ', 1)[0]!) ? text : text[0]!.toUpperCase() + text.slice(1);
};

const more = (count: number): string =>
  count === 0 ? '' : ` There ${count === 1 ? 'is' : 'are'} ${plural(count, 'more error')}.`;

/** `validation_failed`: a sentence about each field, with its path for programs. Values are never echoed. */
export const fieldProblem = (faults: readonly [FieldFault, ...FieldFault[]], cause?: unknown): Problem => {
  const errors = faults.map((fault) => ({ path: fault.path.join('.'), message: toSentence(fault) }));
  const detail = errors[0]!.message + more(errors.length - 1);
  return new Problem('validation_failed', detail, { members: { errors }, cause });
};
