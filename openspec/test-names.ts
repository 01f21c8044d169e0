import ts from 'typescript';

const ROOTS = new Set(['it', 'test', 'describe']);
/** What leaves a test running. `skip`, `todo`, `only`, `skipIf` and whatever else a name may lead to do not. */
const HARMLESS = new Set(['each', 'for', 'concurrent', 'sequential', 'shuffle']);
const HARMFUL = ['skip', 'todo', 'only', 'fails'];
/** Stands for a part of a name that is not known before the test runs. No title has it. */
const UNKNOWN = '\0';

interface Call {
  root: string;
  modifiers: string[];
  args: readonly ts.Expression[];
}

interface File {
  /** What the file calls `it`, `test` and `describe`, by its own names. */
  roots: Map<string, string>;
  constants: Map<string, ts.Expression>;
}

const readFile = (source: ts.SourceFile): File => {
  const roots = new Map<string, string>();
  const constants = new Map<string, ts.Expression>();
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement) && statement.declarationList.flags & ts.NodeFlags.Const)
      for (const { name, initializer } of statement.declarationList.declarations)
        if (ts.isIdentifier(name) && initializer) constants.set(name.text, initializer);
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const named = statement.importClause?.namedBindings;
    if (statement.moduleSpecifier.text !== 'vitest' || !named || !ts.isNamedImports(named)) continue;
    for (const { name, propertyName } of named.elements)
      if (ROOTS.has((propertyName ?? name).text)) roots.set(name.text, (propertyName ?? name).text);
  }
  return { roots, constants };
};

/** `it.concurrent.each(table)('name', …)`: what is called, by which modifiers, with what. */
const readCall = (node: ts.Expression, { roots }: File): Call | undefined => {
  if (!ts.isCallExpression(node)) return undefined;
  const modifiers: string[] = [];
  let callee: ts.Expression = node.expression;
  while (!ts.isIdentifier(callee)) {
    if (ts.isPropertyAccessExpression(callee)) {
      modifiers.push(callee.name.text);
      callee = callee.expression;
    } else if (ts.isCallExpression(callee)) callee = callee.expression;
    else if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag;
    else return undefined;
  }
  const root = roots.get(callee.text);
  return root === undefined ? undefined : { root, modifiers, args: node.arguments };
};

/** The text of a name as far as the file alone tells it. */
const readName = (node: ts.Expression, file: File): string => {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return node.templateSpans.reduce(
      (text, { expression, literal }) => text + readName(expression, file) + literal.text,
      node.head.text,
    );
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return readName(node.left, file) + readName(node.right, file);
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return readName(node.expression, file);
  const constant = ts.isIdentifier(node) ? file.constants.get(node.text) : undefined;
  return constant && ts.isStringLiteralLike(constant) ? constant.text : UNKNOWN;
};

const isFunction = (node: ts.Node | undefined): node is ts.ArrowFunction | ts.FunctionExpression =>
  node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));

const some = (node: ts.Node, wanted: (node: ts.Node) => boolean): boolean =>
  wanted(node) || (ts.forEachChild(node, (child) => some(child, wanted) || undefined) ?? false);

const callsSkip = (node: ts.Node): boolean =>
  ts.isCallExpression(node) &&
  ((ts.isIdentifier(node.expression) && node.expression.text === 'skip') ||
    (ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === 'skip'));

const has = (node: ts.Expression, option: string): boolean =>
  ts.isObjectLiteralExpression(node) &&
  node.properties.some(({ name }) => name !== undefined && ts.isIdentifier(name) && name.text === option);

/** Options that are written out, with nothing that can keep a test from running. */
const isPlain = (node: ts.Expression): boolean =>
  ts.isObjectLiteralExpression(node) &&
  !node.properties.some(ts.isSpreadAssignment) &&
  !HARMFUL.some((option) => has(node, option));

/** What follows the function is a time-out alone. */
const runs = ({ modifiers, args }: Call): boolean =>
  modifiers.every((modifier) => HARMLESS.has(modifier)) &&
  args.slice(1, args.findIndex(isFunction)).every(isPlain);

const isOnly = ({ modifiers, args }: Call): boolean =>
  modifiers.includes('only') || args.some((argument) => has(argument, 'only'));

/** The statements that a call of `describe` or a loop runs on its own. What stands in an `if` may not run at all. */
const statementsOf = (node: ts.Node): readonly ts.Statement[] => {
  if (ts.isBlock(node)) return node.statements;
  if (ts.isForOfStatement(node) || ts.isForStatement(node) || ts.isForInStatement(node))
    return [node.statement];
  return [];
};

const callIn = (statement: ts.Statement, file: File): Call | undefined =>
  ts.isExpressionStatement(statement) ? readCall(statement.expression, file) : undefined;

/** A hook, or a function that tests call: it can skip each test beside it. */
const skipsOthers = (statement: ts.Statement, file: File): boolean =>
  !callIn(statement, file) && statementsOf(statement).length === 0 && some(statement, callsSkip);

const namesIn = (statements: readonly ts.Statement[], file: File): string[] => {
  if (statements.some((statement) => skipsOthers(statement, file))) return [];
  return statements.flatMap((statement) => {
    const call = callIn(statement, file);
    if (!call) return namesIn(statementsOf(statement), file);
    const [name] = call.args;
    const body = call.args.find(isFunction)?.body;
    if (!name || !body || !runs(call)) return [];
    if (call.root !== 'describe') return some(body, callsSkip) ? [] : [readName(name, file)];
    const inside = namesIn(statementsOf(body), file);
    return inside.length === 0 ? [] : [readName(name, file), ...inside];
  });
};

/**
 * The names of the tests of a file that run, and of each `describe` around one. It tells too few rather than too many:
 * a name counts if the file alone shows that it runs. Where one test has `only`, no other runs, and none counts.
 */
export const testNames = (source: string): string[] => {
  const parsed = ts.createSourceFile('a.test.ts', source, ts.ScriptTarget.Latest);
  const file = readFile(parsed);
  const standsAlone = (node: ts.Node): boolean => {
    const call = ts.isCallExpression(node) ? readCall(node, file) : undefined;
    return call !== undefined && isOnly(call);
  };
  return some(parsed, standsAlone) ? [] : namesIn(parsed.statements, file);
};
