import { describe, expect, it } from 'vitest';
import { check, parseSpec, parseTasks } from './check.mjs';
import { testNames } from './test-names.ts';

const spec = `## ADDED Requirements

### Requirement: Doors open

A door SHALL open
when it is asked to.

#### Scenario: A closed door opens

- **WHEN** a closed door is asked to open
- **THEN** it is open

#### Scenario: A locked door stays shut

- **WHEN** a locked door is asked to open
- **THEN** it is shut
- **AND** it says so
`;

const tasks = `# Tasks

## 1. Doors

- [x] 1.1 Add hinges
- [ ] 1.2 Open doors
  - scenario: A closed door opens
- [ ] 1.3 Lock doors
  - scenario: A locked door stays shut
`;

const testsOf = (...titles: string[]) =>
  `import { it } from 'vitest';\n${titles.map((title) => `it('${title}', () => {});\n`).join('')}`;

const windows = `# old

### Requirement: Windows

They SHALL open.

#### Scenario: A window opens

- **WHEN** asked
- **THEN** open
`;

const checkDoors = (changed: { spec?: string; base?: string; tasks?: string; tests?: string[] } = {}) =>
  check({
    base: changed.base === undefined ? [] : [{ file: 'base.md', source: changed.base }],
    deltas: [{ file: 'spec.md', source: changed.spec ?? spec }],
    tasks: [{ file: 'tasks.md', source: changed.tasks ?? tasks }],
    tests: changed.tests ?? [],
  });

const findingsOf = (changed: Parameters<typeof checkDoors>[0]) =>
  checkDoors(changed).findings.map(({ file, line, message }) => `${file}:${line} ${message}`);

describe('parsing', () => {
  it('reads requirements with their text and scenarios', () => {
    const { requirements, findings } = parseSpec('spec.md', spec);
    expect(findings).toEqual([]);
    expect(requirements).toMatchObject([
      {
        name: 'Doors open',
        line: 3,
        text: expect.stringContaining('A door SHALL open\nwhen it is asked to.') as string,
        scenarios: [
          { title: 'A closed door opens', line: 8, steps: ['WHEN', 'THEN'] },
          { title: 'A locked door stays shut', line: 13, steps: ['WHEN', 'THEN', 'AND'] },
        ],
      },
    ]);
  });

  it('reads tasks with their ticks and scenarios', () => {
    expect(parseTasks('tasks.md', tasks).tasks).toMatchObject([
      { number: '1.1', done: true, bindings: [] },
      { number: '1.2', done: false, bindings: [{ title: 'A closed door opens', line: 7 }] },
      { number: '1.3', done: false, bindings: [{ title: 'A locked door stays shut', line: 9 }] },
    ]);
  });

  it('finds a heading that would hide a scenario', () => {
    const hidden = spec.replace('#### Scenario: A locked', '### Scenario: A locked');
    expect(findingsOf({ spec: hidden })).toContain(
      'spec.md:13 unknown heading "### Scenario: A locked door stays shut"',
    );
  });

  it('finds a list item that is neither task nor scenario', () => {
    const mistyped = tasks.replace('- [ ] 1.3', '- [X] 1.3');
    expect(findingsOf({ tasks: mistyped })).toContain(
      'tasks.md:8 this list item is neither a task nor a scenario: "- [X] 1.3 Lock doors"',
    );
  });

  it('finds a spec without a requirement', () => {
    expect(findingsOf({ base: '# doors Specification\n' })).toEqual(['base.md:1 no requirement']);
  });
});

describe('requirements', () => {
  it('are without a finding when all is well', () => {
    expect(findingsOf({})).toEqual([]);
  });

  it.each([
    ['no SHALL', spec.replace('SHALL', 'will'), 'has 0 SHALL, not one'],
    ['two SHALL', spec.replace('when it', 'and SHALL close when it'), 'has 2 SHALL, not one'],
  ])('fail with %s', (_name, changed, message) => {
    expect(findingsOf({ spec: changed })).toEqual([`spec.md:3 requirement "Doors open" ${message}`]);
  });

  it('fail without a scenario', () => {
    const bare = `${spec}\n### Requirement: Doors close\n\nA door SHALL close.\n`;
    expect(findingsOf({ spec: bare })).toEqual(['spec.md:19 requirement "Doors close" has no scenario']);
  });

  it.each(['WHEN', 'THEN'])('fail with a scenario without %s', (step) => {
    const changed = spec.replace(`- **${step}**`, '- **GIVEN**');
    expect(findingsOf({ spec: changed })).toEqual([
      `spec.md:8 scenario "A closed door opens" has no ${step}`,
    ]);
  });
});

describe('scenario titles', () => {
  it('fail when one occurs twice, in a base spec too', () => {
    const base = `# old\n\n### Requirement: Old doors\n\nThey SHALL open.\n${spec.slice(spec.indexOf('\n#### '))}`;
    expect(findingsOf({ base })).toEqual([
      'spec.md:8 scenario "A closed door opens" occurs at base.md:7 too',
      'spec.md:13 scenario "A locked door stays shut" occurs at base.md:12 too',
    ]);
  });

  it('fail when one is part of another', () => {
    const change = (text: string) => text.replace('A locked door stays shut', 'A closed door opens twice');
    expect(findingsOf({ spec: change(spec), tasks: change(tasks) })).toEqual([
      'spec.md:8 scenario "A closed door opens" is part of the one at spec.md:13',
    ]);
  });

  it('fail when a test could not quote one', () => {
    const change = (text: string) => text.replace('A locked door stays', "A door's lock stays");
    expect(findingsOf({ spec: change(spec), tasks: change(tasks) })).toEqual([
      `spec.md:13 scenario "A door's lock stays shut" contains a quote, backquote, backslash or dollar sign: remove it`,
    ]);
  });
});

describe('tasks', () => {
  it('fail when a scenario is in none', () => {
    const changed = tasks.replace('  - scenario: A locked door stays shut\n', '');
    expect(findingsOf({ tasks: changed })).toEqual([
      'spec.md:13 scenario "A locked door stays shut" is in no task',
    ]);
  });

  it('fail when a scenario is in two', () => {
    const changed = `${tasks}  - scenario: A closed door opens\n`;
    expect(findingsOf({ tasks: changed })).toEqual([
      'spec.md:8 scenario "A closed door opens" is in several tasks: 1.2, 1.3',
    ]);
  });

  it('fail when one names an unknown scenario', () => {
    const changed = `${tasks}  - scenario: A window opens\n`;
    expect(findingsOf({ tasks: changed })).toEqual([
      'tasks.md:10 task 1.3 names an unknown scenario "A window opens"',
    ]);
  });

  it('fail when one is ticked and no test binds its scenario', () => {
    const changed = tasks.replace('[ ] 1.2', '[x] 1.2');
    expect(findingsOf({ tasks: changed, tests: [testsOf('A locked door stays shut')] })).toEqual([
      'tasks.md:7 task 1.2 is ticked, but no test that runs has "A closed door opens" in its name',
    ]);
  });

  it('pass when one is ticked and its scenario is bound', () => {
    const changed = tasks.replace('[ ] 1.2', '[x] 1.2');
    expect(findingsOf({ tasks: changed, tests: [testsOf('A closed door opens')] })).toEqual([]);
  });
});

describe('living scenarios', () => {
  const unbound = ['base.md:7 no test that runs has "A window opens" in its name, and no open task names it'];
  const named = (mark: string) => `${tasks}- [${mark}] 1.4 Open windows\n  - scenario: A window opens\n`;

  it('fail when no test binds one', () => {
    expect(findingsOf({ base: windows })).toEqual(unbound);
    expect(findingsOf({ base: windows, tests: ['// A window opens'] })).toEqual(unbound);
  });

  it('pass when a test binds one', () => {
    expect(findingsOf({ base: windows, tests: [testsOf('A window opens at once')] })).toEqual([]);
  });

  it('pass when an open task names one, and fail once it is ticked', () => {
    expect(findingsOf({ base: windows, tasks: named(' ') })).toEqual([]);
    expect(findingsOf({ base: windows, tasks: named('x') })).toEqual([
      'tasks.md:11 task 1.4 is ticked, but no test that runs has "A window opens" in its name',
      ...unbound,
    ]);
  });

  it('fail when two tasks name one', () => {
    const twice = `${named(' ')}- [ ] 1.5 Open them again\n  - scenario: A window opens\n`;
    expect(findingsOf({ base: windows, tasks: twice })).toEqual([
      'base.md:7 scenario "A window opens" is in several tasks: 1.4, 1.5',
    ]);
  });
});

describe('counting', () => {
  it('counts the bound scenarios, ticked or not, those of the living specs apart', () => {
    const tests = [testsOf('A closed door opens'), testsOf('A window opens')];
    expect(checkDoors({ base: windows, tests })).toEqual({
      findings: [],
      living: { bound: 1, total: 1 },
      changes: { bound: 1, total: 2 },
    });
  });
});

describe('the names of tests', () => {
  const namesOf = (text: string) =>
    testNames(`import { describe, it, test as proof } from 'vitest';\n${text}`).map((name) =>
      name.replaceAll('\0', '*'),
    );

  it.each<[what: string, text: string, names: string[]]>([
    ['a test', `it('one', () => {})`, ['one']],
    ['a test under another name', `proof('one', async () => {})`, ['one']],
    ['an asynchronous test with options', `it('one', { timeout: 5 }, async () => {})`, ['one']],
    ['a test with a named time-out', `it('one', async () => {}, LONG)`, ['one']],
    ['a test at the side of others', `it.concurrent('one', () => {})`, ['one']],
    ['a table of tests, as it is written', `it.each([1, 2])('one: %s', () => {})`, ['one: %s']],
    ['a table as a template', 'it.each`a\n${1}`("one: $a", () => {})', ['one: $a']],
    ['a group with its tests', `describe('all', () => { it('one', () => {}); })`, ['all', 'one']],
    [
      'groups in groups',
      `describe.each([1])('%s', () => { describe('b', () => { it('c', () => {}); }); })`,
      ['%s', 'b', 'c'],
    ],
    ['tests in a loop', `for (const a of all) { it('one', () => {}); }`, ['one']],
    ['tests in a loop without braces', `for (const a of all) it('one', () => {});`, ['one']],
    ['a constant', `const NAME = 'one'; it(NAME, () => {})`, ['one']],
    ['a constant in a template', `const NAME = 'one'; it(\`\${NAME} of \${two}\`, () => {})`, ['one of *']],
    ['a sum', `it('one ' + two + ' three', () => {})`, ['one * three']],
  ])('count: %s', (_what, text, names) => {
    expect(namesOf(text)).toEqual(names);
  });

  it.each<[what: string, text: string]>([
    ['a comment', `// it('one', () => {})\n/* it('one', () => {}) */`],
    ['a text', `const text = "it('one', () => {})";`],
    ['a skipped test', `it.skip('one', () => {})`],
    ['a test to do', `it.todo('one')`],
    ['a test without a body', `it('one')`],
    ['a test that skips itself', `it('one', ({ skip }) => { skip(); })`],
    ['a test that skips itself by its context', `it('one', async (context) => { if (a) context.skip(); })`],
    ['a test that is to fail', `it.fails('one', () => {})`],
    ['a test under a condition', `it.skipIf(a)('one', () => {})`],
    ['a test under the other condition', `it.runIf(a)('one', () => {})`],
    ['a test in an if', `if (a) { it('one', () => {}); }`],
    ['a test skipped by its options', `it('one', { skip: true }, () => {})`],
    ['a test with options that are not to be seen', `it('one', options, () => {})`],
    ['a test with options from elsewhere', `it('one', { ...options }, () => {})`],
    ['a skipped table', `it.skip.each([1])('one', () => {})`],
    ['a test in a skipped group', `describe.skip('all', () => { it('one', () => {}); })`],
    ['a group without a test', `describe('all', () => {})`],
    ['a group with a skipped test alone', `describe('all', () => { it.skip('one', () => {}); })`],
    ['a function that nobody may call', `const later = () => { it('one', () => {}); };`],
    ['a test in a test', `beforeAll(() => { it('one', () => {}); })`],
    ['what another library calls a test', `import { test } from 'node:test'; test('one', () => {})`],
    ['a name of a constant that is none', `let NAME = 'one'; it(NAME, () => {})`],
    ['a test after a hook that skips', `beforeEach(({ skip }) => skip()); it('one', () => {})`],
    [
      'a test before a hook that skips',
      `describe('all', () => { it('one', () => {}); beforeEach((context) => { if (a) context.skip(); }); })`,
    ],
    [
      'a test beside a function that skips',
      `const pass = ({ skip }) => skip(); it('one', (context) => pass(context))`,
    ],
    [
      'any test beside one that runs alone',
      `it('one', () => {}); describe('all', () => { it.only('two', () => {}); })`,
    ],
    [
      'any test beside one that runs alone by its options',
      `it('one', () => {}); it('two', { only: true }, () => {})`,
    ],
  ])('do not count: %s', (_what, text) => {
    expect(namesOf(text).filter((name) => name !== '*')).toEqual([]);
  });
});
