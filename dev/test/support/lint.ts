import { ESLint } from 'eslint';

/** The repository. */
export const root = new URL('../../../', import.meta.url).pathname;

const eslint = new ESLint({
  cwd: root,
  // Imports are judged as text here: the files named below need not exist, so nothing asks for their types.
  overrideConfig: {
    languageOptions: { parserOptions: { projectService: false, project: null } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-misused-promises': 'off',
      '@typescript-eslint/await-thenable': 'off',
    },
  },
});

/** The rules that this code would break if it were the text of that file. */
export const findings = async (file: string, code: string): Promise<string[]> => {
  const [result] = await eslint.lintText(code, { filePath: `${root}${file}` });
  return result!.messages.map(({ ruleId }) => ruleId ?? 'parse error');
};
