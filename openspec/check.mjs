// @ts-check
/** Holds specs, tasks and tests together: `node openspec/check.mjs` lists every problem and exits 1 if there is one. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ file: string, line: number, message: string }} Finding */
/** @typedef {{ title: string, file: string, line: number, steps: string[] }} Scenario */
/** @typedef {{ name: string, file: string, line: number, text: string, scenarios: Scenario[] }} Requirement */
/** @typedef {{ title: string, line: number }} Binding */
/** @typedef {{ number: string, done: boolean, file: string, line: number, bindings: Binding[] }} Task */
/** @typedef {{ file: string, source: string }} Source */
/** @typedef {{ bound: number, total: number }} Count */

const OUTLINE = /^(# \S.*|## (ADDED Requirements|Purpose|Requirements))$/;

/**
 * Reads one `spec.md`. A heading of no known form is a finding: what stood under it would be lost unseen.
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
      findings.push({ file, line, message: `neither task nor scenario "${text}"` });
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
    ? [{ file, line, message: `scenario "${title}" cannot be quoted as it stands` }]
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
 * Titles bind tests, so each is unique, and none is part of another: a test that quotes one would bind both.
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
 * Each scenario of a change is in exactly one task, and a task names no other.
 * @param {Scenario[]} scenarios
 * @param {Task[]} tasks
 * @returns {Finding[]}
 */
export const checkBindings = (scenarios, tasks) => {
  const titles = new Set(scenarios.map(({ title }) => title));
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
  const miscounted = scenarios.flatMap(({ title, file, line }) => {
    const numbers = bindings.filter((binding) => binding.title === title).map(({ number }) => number);
    if (numbers.length === 1) return [];
    const places = numbers.length === 0 ? 'no task' : `several tasks: ${numbers.join(', ')}`;
    return [{ file, line, message: `scenario "${title}" is in ${places}` }];
  });
  return [...unknown, ...miscounted];
};

/**
 * A ticked task has all its scenarios quoted by a test.
 * @param {Task[]} tasks
 * @param {(title: string) => boolean} isQuoted
 * @returns {Finding[]}
 */
export const checkTicked = (tasks, isQuoted) =>
  tasks
    .filter(({ done }) => done)
    .flatMap(({ number, file, bindings }) =>
      bindings
        .filter(({ title }) => !isQuoted(title))
        .map(({ title, line }) => ({
          file,
          line,
          message: `task ${number} is ticked, but no test quotes "${title}"`,
        })),
    );

/**
 * How many scenarios a test quotes.
 * @param {Scenario[]} scenarios
 * @param {(title: string) => boolean} isQuoted
 */
const count = (scenarios, isQuoted) => ({
  bound: scenarios.filter(({ title }) => isQuoted(title)).length,
  total: scenarios.length,
});

/**
 * Checks the whole folder. `base` are the living specs, `deltas` those of the changes.
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
  const isQuoted = (/** @type {string} */ title) => tests.some((test) => test.includes(title));
  return {
    findings: [
      ...[...parsedBase, ...parsedDeltas, ...parsedTasks].flatMap(({ findings }) => findings),
      ...checkRequirements(requirements),
      ...checkTitles([...living, ...changed]),
      ...checkBindings(changed, allTasks),
      ...checkTicked(allTasks, isQuoted),
    ],
    living: count(living, isQuoted),
    changes: count(changed, isQuoted),
  };
};

/**
 * @param {string} folder
 * @param {(path: string) => boolean} wanted
 * @returns {string[]}
 */
const findFiles = (folder, wanted) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const skipped = entry.name === 'node_modules' || entry.name.startsWith('.');
      return skipped ? [] : findFiles(path, wanted);
    }
    return entry.isFile() && wanted(path) ? [path] : [];
  });

/** @param {string} root The repository's folder. */
export const readFolder = (root) => {
  const read = (/** @type {string} */ path) => ({
    file: relative(root, path),
    source: readFileSync(path, 'utf8'),
  });
  const specsIn = (/** @type {string} */ folder) =>
    findFiles(folder, (path) => path.endsWith('/spec.md')).map(read);
  const openspec = join(root, 'openspec');
  const changes = readdirSync(join(openspec, 'changes'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'archive')
    .map((entry) => join(openspec, 'changes', entry.name));
  return {
    base: specsIn(join(openspec, 'specs')),
    deltas: changes.flatMap((change) => specsIn(join(change, 'specs'))),
    tasks: changes.map((change) => read(join(change, 'tasks.md'))),
    tests: findFiles(root, (path) => path.endsWith('.test.ts')).map((path) => readFileSync(path, 'utf8')),
  };
};

const main = () => {
  const { findings, living, changes } = check(readFolder(fileURLToPath(new URL('..', import.meta.url))));
  for (const { file, line, message } of findings) console.error(`${file}:${line} ${message}`);
  console.log(`living specs: ${living.bound} of ${living.total} scenarios bound`);
  console.log(`changes: ${changes.bound} of ${changes.total} scenarios bound`);
  if (findings.length > 0) process.exitCode = 1;
};

const [, program] = process.argv;
if (program && realpathSync(program) === fileURLToPath(import.meta.url)) main();
