import { Problem } from '../platform/problem.ts';

/** No route accepts a deeper body. */
const MAX_DEPTH = 20;

/** Matches in valid JSON: a member's name with its colon, any other string, or a bracket. */
const TOKENS = /("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g;

const malformed = (detail: string, cause?: unknown): Problem =>
  new Problem('malformed_json', detail, { cause });

const checkName = (names: Set<string>, quoted: string): void => {
  const name = JSON.parse(quoted) as string;
  if (name === '__proto__') throw malformed('A member of an object cannot have the name __proto__.');
  if (names.has(name))
    throw malformed('An object has two members with the same name. Send each member once.');
  names.add(name);
};

/**
 * Rejects duplicate members and deep nesting. `JSON.parse` silently takes the last duplicate, and other parsers the
 * first.
 */
const check = (text: string): void => {
  const open: Set<string>[] = [];
  for (const [token, name] of text.matchAll(TOKENS)) {
    if (name !== undefined) checkName(open.at(-1)!, name);
    else if (token === '}' || token === ']') open.pop();
    else if (token === '{' || token === '[') {
      if (open.push(new Set()) > MAX_DEPTH)
        throw malformed(`The body is nested too deeply. Send at most ${MAX_DEPTH} levels.`);
    }
  }
};

/** Parses I-JSON (RFC 7493): no duplicate members, and none that changes the prototype. Problem: `malformed_json`. */
export const parseJson = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    check(text);
    return value;
  } catch (error) {
    throw error instanceof Problem ? error : malformed('The body is not valid JSON.', error);
  }
};
