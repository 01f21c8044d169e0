import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/**
 * The size of the whole product, without `dev/`, tests and generated files. Unit: lines (dependencies: number). Lint
 * judges each function and file by itself.
 */
const BUDGETS = {
  functionP90: 25,
  sourceLines: 32_000,
  apiDependencies: 24,
} as const;

/**
 * The check fails above these. The source exceeds its budget: the check prints by how much, and this limit keeps the
 * excess from growing unnoticed.
 */
const LIMITS: Figures = { ...BUDGETS, sourceLines: 40_500 };

type Figures = Record<keyof typeof BUDGETS, number>;

const isSource = (file: string): boolean =>
  /\.(ts|mjs|js|svelte|css|html)$/.test(file) &&
  !/(^|\/)(test|generated)\/|\.test\.ts$|^(dev|e2e)\//.test(file);

const isNamedFunction = (node: ts.Node): boolean =>
  ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.body !== undefined) ||
  ((ts.isArrowFunction(node) || ts.isFunctionExpression(node)) &&
    (ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent)));

/** The lines of each function that has a name: a declaration, a method, or a function that is assigned to a name. */
export const functionLines = (text: string): number[] => {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const found: number[] = [];
  const visit = (node: ts.Node): void => {
    if (isNamedFunction(node)) found.push(lineOf(node.end) - lineOf(node.getStart(source)) + 1);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
};

/** The script of a Svelte file is TypeScript. */
const codeOf = (file: string, text: string): string => {
  if (!file.endsWith('.svelte')) return /\.(ts|mjs|js)$/.test(file) ? text : '';
  return [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, code]) => code).join('\n');
};

/** The value that this share of the sorted numbers does not exceed. */
const percentile = (numbers: readonly number[], share: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.ceil(numbers.length * share) - 1] ?? 0;

const readDependencies = (root: string): string[] => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'api/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.keys(dependencies).filter((name) => !name.startsWith('@sentryagent/'));
};

const measure = (root: string): Figures => {
  const listed = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' });
  const files = listed.split('\n').filter(isSource);
  const texts = files.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
  const functions = texts.flatMap(({ file, text }) => functionLines(codeOf(file, text)));
  const lines = texts.map(({ text }) => text.split('\n').length - 1);
  return {
    functionP90: percentile(functions, 0.9),
    sourceLines: lines.reduce((sum, count) => sum + count, 0),
    apiDependencies: readDependencies(root).length,
  };
};

/** Each limit that the figures exceed, as one line. */
export const findExcess = (figures: Figures): string[] =>
  Object.entries(LIMITS).flatMap(([name, most]) => {
    const figure = figures[name as keyof Figures];
    return figure > most ? [`${name} is ${figure}, more than ${most}`] : [];
  });

/** Each dependency that the text does not name in backticks, as one line. */
export const findUnnamed = (dependencies: readonly string[], architecture: string): string[] =>
  dependencies
    .filter((name) => !architecture.includes(`\`${name}\``))
    .map((name) => `ARCHITECTURE.md gives no reason for the dependency ${name}`);

const main = (): void => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const figures = measure(root);
  for (const [name, most] of Object.entries(BUDGETS)) {
    const figure = figures[name as keyof Figures];
    const limit = LIMITS[name as keyof Figures];
    const note = figure > most ? ` (over the budget by ${figure - most}; the limit is ${limit})` : '';
    console.log(`${name}: ${figure} of ${most}${note}`);
  }
  const architecture = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const faults = [...findExcess(figures), ...findUnnamed(readDependencies(root), architecture)];
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
};

if (import.meta.main) main();
