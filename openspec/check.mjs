// @ts-check
/** `node openspec/check.mjs` checks specs, tasks and tests against each other. If it finds a problem, it exits 1. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest } from 'vitest/node';
import { testNames } from './test-names.ts';

/** @typedef {{ file: string, line: number, message: string }} Finding */
/** @typedef {{ title: string, file: string, line: number, steps: string[] }} Scenario */
/** @typedef {{ name: string, file: string, line: number, text: string, scenarios: Scenario[] }} Requirement */
/** @typedef {{ title: string, line: number }} Binding */
/** @typedef {{ number: string, done: boolean, file: string, line: number, bindings: Binding[] }} Task */
/** @typedef {{ file: string, source: string }} Source */
/** @typedef {{ bound: number, total: number }} Count */

const OUTLINE = /^(# \S.*|## (ADDED Requirements|Purpose|Requirements))$/;

/**
 * Reads one `spec.md`. An unknown heading is a finding, because the text under it would be ignored silently.
 * @param {string} file
 * @param {string} source
 * @returns {{ requirements: Requirement[], findings: Finding[] }}
 */
export const parseSpec = (file, source) => {
  /** @type {Requirement[]} */
  const requirements = [];
  /** @type {Finding[]} */
  const findings = [];
  for (const [index, text] of source.split('\n').entries()) {
    const line = index + 1;
    const current = requirements.at(-1);
    const [, name] = /^### Requirement: (\S.*)$/.exec(text) ?? [];
    const [, title] = /^#### Scenario: (\S.*)$/.exec(text) ?? [];
    const [, step] = /^- \*\*(WHEN|THEN|AND)\*\* \S/.exec(text) ?? [];
    const scenario = current?.scenarios.at(-1);
    if (name) requirements.push({ name, file, line, text: '', scenarios: [] });
    else if (title && current) current.scenarios.push({ title, file, line, steps: [] });
    else if (text.startsWith('#')) {
      if (!OUTLINE.test(text)) findings.push({ file, line, message: `unknown heading "${text}"` });
    } else if (step && scenario) scenario.steps.push(step);
    else if (current && !scenario) current.text += `${text}\n`;
  }
  if (requirements.length === 0) findings.push({ file, line: 1, message: 'no requirement' });
  return { requirements, findings };
};

/**
 * Reads one `tasks.md`.
 * @param {string} file
 * @param {string} source
 * @returns {{ tasks: Task[], findings: Finding[] }}
 */
export const parseTasks = (file, source) => {
  /** @type {Task[]} */
  const tasks = [];
  /** @type {Finding[]} */
  const findings = [];
  for (const [index, text] of source.split('\n').entries()) {
    const line = index + 1;
    const [, mark, number] = /^- \[([ x])\] (\d+\.\d+) \S/.exec(text) ?? [];
    const [, title] = /^ {2}- scenario: (\S.*)$/.exec(text) ?? [];
    const task = tasks.at(-1);
    if (number) tasks.push({ number, done: mark === 'x', file, line, bindings: [] });
    else if (title && task) task.bindings.push({ title, line });
    else if (/^\s*[-*] /.test(text))
      findings.push({ file, line, message: `this list item is neither a task nor a scenario: "${text}"` });
  }
  return { tasks, findings };
};

/**
 * @param {Scenario} scenario
 * @returns {Finding[]}
 */
const checkScenario = ({ title, file, line, steps }) => [
  ...['WHEN', 'THEN']
    .filter((step) => !steps.includes(step))
    .map((step) => ({ file, line, message: `scenario "${title}" has no ${step}` })),
  ...(/['"`\\$]/.test(title)
    ? [
        {
          file,
          line,
          message: `scenario "${title}" contains a quote, backquote, backslash or dollar sign: remove it`,
        },
      ]
    : []),
];

/**
 * One SHALL, at least one scenario, each with WHEN and THEN.
 * @param {Requirement[]} requirements
 * @returns {Finding[]}
 */
export const checkRequirements = (requirements) =>
  requirements.flatMap(({ name, file, line, text, scenarios }) => {
    const count = text.match(/\bSHALL\b/g)?.length ?? 0;
    return [
      ...(count === 1 ? [] : [{ file, line, message: `requirement "${name}" has ${count} SHALL, not one` }]),
      ...(scenarios.length > 0 ? [] : [{ file, line, message: `requirement "${name}" has no scenario` }]),
      ...scenarios.flatMap(checkScenario),
    ];
  });

/**
 * Titles bind tests. Each is unique, and none is part of another: a test with the longer one would bind both.
 * @param {Scenario[]} scenarios
 * @returns {Finding[]}
 */
export const checkTitles = (scenarios) =>
  scenarios.flatMap(({ title, file, line }, index) =>
    scenarios.flatMap((other, position) => {
      if (position === index || !other.title.includes(title)) return [];
      const place = `${other.file}:${other.line}`;
      if (other.title !== title)
        return [{ file, line, message: `scenario "${title}" is part of the one at ${place}` }];
      return position < index ? [{ file, line, message: `scenario "${title}" occurs at ${place} too` }] : [];
    }),
  );

/**
 * Each scenario of a change is in exactly one task, and each scenario of a living spec in at most one. A task names no
 * unknown scenario.
 * @param {Scenario[]} changed
 * @param {Scenario[]} living
 * @param {Task[]} tasks
 * @returns {Finding[]}
 */
export const checkBindings = (changed, living, tasks) => {
  const titles = new Set([...changed, ...living].map(({ title }) => title));
  const bindings = tasks.flatMap(({ number, file, bindings }) =>
    bindings.map((binding) => ({ ...binding, number, file })),
  );
  const unknown = bindings
    .filter(({ title }) => !titles.has(title))
    .map(({ file, line, number, title }) => ({
      file,
      line,
      message: `task ${number} names an unknown scenario "${title}"`,
    }));
  const numbersOf = (/** @type {Scenario} */ { title }) =>
    bindings.filter((binding) => binding.title === title).map(({ number }) => number);
  const inNone = changed
    .filter((scenario) => numbersOf(scenario).length === 0)
    .map(({ title, file, line }) => ({ file, line, message: `scenario "${title}" is in no task` }));
  const inSeveral = [...changed, ...living]
    .filter((scenario) => numbersOf(scenario).length > 1)
    .map((scenario) => ({
      file: scenario.file,
      line: scenario.line,
      message: `scenario "${scenario.title}" is in several tasks: ${numbersOf(scenario).join(', ')}`,
    }));
  return [...unknown, ...inNone, ...inSeveral];
};

/**
 * A ticked task has all its scenarios bound.
 * @param {Task[]} tasks
 * @param {(title: string) => boolean} isBound
 * @returns {Finding[]}
 */
export const checkTicked = (tasks, isBound) =>
  tasks
    .filter(({ done }) => done)
    .flatMap(({ number, file, bindings }) =>
      bindings
        .filter(({ title }) => !isBound(title))
        .map(({ title, line }) => ({
          file,
          line,
          message: `task ${number} is ticked, but no test that runs has "${title}" in its name`,
        })),
    );

/**
 * A test binds each scenario of a living spec, unless an open task names the scenario.
 * @param {Scenario[]} living
 * @param {Task[]} tasks
 * @param {(title: string) => boolean} isBound
 * @returns {Finding[]}
 */
export const checkLiving = (living, tasks, isBound) => {
  const open = new Set(
    tasks.filter(({ done }) => !done).flatMap(({ bindings }) => bindings.map(({ title }) => title)),
  );
  return living
    .filter(({ title }) => !isBound(title) && !open.has(title))
    .map(({ title, file, line }) => ({
      file,
      line,
      message: `no test that runs has "${title}" in its name, and no open task names it`,
    }));
};

/**
 * @param {Scenario[]} scenarios
 * @param {(title: string) => boolean} isBound
 */
const count = (scenarios, isBound) => ({
  bound: scenarios.filter(({ title }) => isBound(title)).length,
  total: scenarios.length,
});

/**
 * Checks the whole folder. `base` are the living specs, `deltas` those of the changes, `tests` the text of test files.
 * @param {{ base: Source[], deltas: Source[], tasks: Source[], tests: string[] }} folder
 * @returns {{ findings: Finding[], living: Count, changes: Count }}
 */
export const check = ({ base, deltas, tasks, tests }) => {
  const parsedBase = base.map(({ file, source }) => parseSpec(file, source));
  const parsedDeltas = deltas.map(({ file, source }) => parseSpec(file, source));
  const parsedTasks = tasks.map(({ file, source }) => parseTasks(file, source));
  const requirements = [...parsedBase, ...parsedDeltas].flatMap((spec) => spec.requirements);
  const scenariosOf = (/** @type {{ requirements: Requirement[] }[]} */ specs) =>
    specs.flatMap((spec) => spec.requirements).flatMap((requirement) => requirement.scenarios);
  const [living, changed] = [scenariosOf(parsedBase), scenariosOf(parsedDeltas)];
  const allTasks = parsedTasks.flatMap((list) => list.tasks);
  const names = tests.flatMap(testNames);
  const isBound = (/** @type {string} */ title) => names.some((name) => name.includes(title));
  return {
    findings: [
      ...[...parsedBase, ...parsedDeltas, ...parsedTasks].flatMap(({ findings }) => findings),
      ...checkRequirements(requirements),
      ...checkTitles([...living, ...changed]),
      ...checkBindings(changed, living, allTasks),
      ...checkTicked(allTasks, isBound),
      ...checkLiving(living, allTasks, isBound),
    ],
    living: count(living, isBound),
    changes: count(changed, isBound),
  };
};

/**
 * @param {string} folder
 * @returns {string[]}
 */
const findSpecs = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return findSpecs(path);
    return entry.name === 'spec.md' ? [path] : [];
  });

/**
 * The test files that `npm test` and `npm run proof` run, as vitest finds them. It starts no test and no server.
 * @param {string} root
 */
const findTests = async (root) => {
  const files = [];
  for (const config of ['vitest.config.ts', 'vitest.proof.config.ts']) {
    const vitest = await createVitest('test', { root, config, watch: false });
    files.push(...(await vitest.globTestSpecifications()).map(({ moduleId }) => moduleId));
    await vitest.close();
  }
  return files;
};

/** @param {string} root The repository's folder. */
const readFolder = async (root) => {
  const read = (/** @type {string} */ path) => ({
    file: relative(root, path),
    source: readFileSync(path, 'utf8'),
  });
  const specsIn = (/** @type {string} */ folder) => findSpecs(folder).map(read);
  const openspec = join(root, 'openspec');
  const changes = readdirSync(join(openspec, 'changes'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'archive')
    .map((entry) => join(openspec, 'changes', entry.name));
  return {
    base: specsIn(join(openspec, 'specs')),
    deltas: changes.flatMap((change) => specsIn(join(change, 'specs'))),
    tasks: changes.map((change) => read(join(change, 'tasks.md'))),
    tests: (await findTests(root)).map((path) => readFileSync(path, 'utf8')),
  };
};

const main = async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { findings, living, changes } = check(await readFolder(root));
  for (const { file, line, message } of findings) console.error(`${file}:${line} ${message}`);
  console.log(`living specs: ${living.bound} of ${living.total} scenarios bound`);
  console.log(`changes: ${changes.bound} of ${changes.total} scenarios bound`);
  if (findings.length > 0) process.exitCode = 1;
};

const [, program] = process.argv;
if (program && realpathSync(program) === fileURLToPath(import.meta.url)) await main();
