import { describe, expect, it } from 'vitest';
import { check, parseSpec, parseTasks } from './check.mjs';

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
      'tasks.md:8 neither task nor scenario "- [X] 1.3 Lock doors"',
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
      `spec.md:13 scenario "A door's lock stays shut" cannot be quoted as it stands`,
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

  it('fail when one is ticked and no test quotes its scenario', () => {
    const changed = tasks.replace('[ ] 1.2', '[x] 1.2');
    expect(findingsOf({ tasks: changed, tests: ['it("A locked door stays shut")'] })).toEqual([
      'tasks.md:7 task 1.2 is ticked, but no test quotes "A closed door opens"',
    ]);
  });

  it('pass when one is ticked and its scenario is quoted', () => {
    const changed = tasks.replace('[ ] 1.2', '[x] 1.2');
    expect(findingsOf({ tasks: changed, tests: ['it("A closed door opens")'] })).toEqual([]);
  });
});

describe('counting', () => {
  it('counts the quoted scenarios, ticked or not, those of the living specs apart', () => {
    const base = `# old\n\n### Requirement: Windows\n\nThey SHALL open.\n\n#### Scenario: A window opens\n\n- **WHEN** asked\n- **THEN** open\n`;
    const tests = ['it("A closed door opens")', 'it("A window opens")'];
    expect(checkDoors({ base, tests })).toEqual({
      findings: [],
      living: { bound: 1, total: 1 },
      changes: { bound: 1, total: 2 },
    });
  });
});
