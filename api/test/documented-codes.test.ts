import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { problemKinds } from '../src/platform/problem.ts';
import { oauthErrorCodes } from '../src/platform/oauth-error.ts';

const docs = join(import.meta.dirname, '../../docs');

/** The rows of tables that begin with a status and a code. */
const rowsOf = (pattern: string): { status: string; code: string; advice: string }[] =>
  globSync(pattern, { cwd: docs })
    .flatMap((file) => readFileSync(join(docs, file), 'utf8').split('\n'))
    .flatMap((line) => {
      const [, status, code, advice] = /^\| ([\d, ]+) \| `(\w+)` \| (.+) \|$/.exec(line) ?? [];
      return status && code && advice ? [{ status, code, advice }] : [];
    });

describe('Every code of an error is in the docs', () => {
  const problems = rowsOf('developers.md');
  const oauth = rowsOf('tokens.md');

  it.each(Object.entries(problemKinds))('%s, with its status', (code, { status }) => {
    expect(problems.filter((row) => row.code === code)).toEqual([
      { status: String(status), code, advice: expect.stringMatching(/\w/) },
    ]);
  });

  it.each(oauthErrorCodes)('%s of the OAuth endpoints', (code) => {
    expect(oauth.filter((row) => row.code === code)).toHaveLength(1);
  });

  it('and no other one', () => {
    for (const { code } of problems) expect(problemKinds).toHaveProperty(code);
    for (const { code } of oauth) expect(oauthErrorCodes).toContain(code);
  });
});
