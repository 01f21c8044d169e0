import { expect, it } from 'vitest';
import { parseConfig } from '../src/lib/server/parse-config.ts';

const right = {
  API_URL: 'http://localhost:3000',
  PUBLIC_API_URL: 'https://api.example.com',
  ORIGIN: 'https://app.example.com',
};

it('takes three origins', () => {
  expect(parseConfig(right)).toEqual({
    config: {
      apiUrl: 'http://localhost:3000',
      publicApiUrl: 'https://api.example.com',
      origin: 'https://app.example.com',
    },
    problems: [],
  });
});

it('names every problem at once and repeats no value', () => {
  const { problems } = parseConfig({
    API_URL: undefined,
    PUBLIC_API_URL: '',
    ORIGIN: 'https://user:hush@app.example.com',
  });
  expect(problems.map((problem) => problem.split(' ')[0])).toEqual(['API_URL', 'PUBLIC_API_URL', 'ORIGIN']);
  expect(problems.join()).not.toContain('hush');
});

it.each([
  'https://app.example.com/',
  'https://app.example.com/path',
  'ftp://app.example.com',
  'app.example.com',
])('refuses %s', (ORIGIN) => {
  expect(parseConfig({ ...right, ORIGIN }).problems).toHaveLength(1);
});
