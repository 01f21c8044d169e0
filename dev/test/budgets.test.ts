import { describe, expect, it } from 'vitest';
import { findExcess, findUnnamed, functionLines } from '../src/budgets.ts';

describe('the lines of a function', () => {
  it.each([
    ['a declaration', 'function f() {\n  return 1;\n}\n', [3]],
    ['an arrow with a name', 'const f = () => {\n  return 1;\n};\n', [3]],
    ['a method', 'const x = {\n  f() {\n    return 1;\n  },\n};\n', [3]],
    ['a property', 'const x = {\n  f: () =>\n    1,\n};\n', [2]],
    ['a function in another', 'const f = () => {\n  const g = () => 1;\n  return g;\n};\n', [4, 1]],
    ['a callback without a name', 'list.map((x) => {\n  return x;\n});\n', []],
    ['a type', 'type F = () => void;\ninterface X { f(): void }\n', []],
  ])('%s', (_what, code, lines) => {
    expect(functionLines(code)).toEqual(lines);
  });
});

describe('a limit', () => {
  const met = { functionP90: 25, sourceLines: 40_500, apiDependencies: 24 };

  it('holds at its limit', () => {
    expect(findExcess(met)).toEqual([]);
  });

  it('is exceeded by one more', () => {
    expect(findExcess({ ...met, functionP90: 26, sourceLines: 40_501 })).toEqual([
      'functionP90 is 26, more than 25',
      'sourceLines is 40501, more than 40500',
    ]);
  });

  it('wants a reason for each dependency', () => {
    expect(findUnnamed(['koa', 'left-pad'], '| `koa` | HTTP server |')).toEqual([
      'ARCHITECTURE.md gives no reason for the dependency left-pad',
    ]);
  });
});
