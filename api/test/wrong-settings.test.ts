import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';
import { required } from './support/required-settings.ts';

describe('node api/src/main.ts', () => {
  const start = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, [new URL('../src/main.ts', import.meta.url).pathname], {
      env: { ...bareEnvironment, ...env },
    }).catch((error: unknown) => error);

  it('names all that is missing and exits 78', async () => {
    const failed = await start({});
    expect(failed).toMatchObject({ code: 78, stdout: '' });
    const { stderr } = failed as { stderr: string };
    expect(stderr.split('\n').sort()).toEqual(
      [
        'The API cannot start with these settings:',
        ...Object.keys(required).map((name) => `  - ${name} is missing`),
        'See .env.example for a description of each setting.',
        '',
      ].sort(),
    );
  });

  it('prints no value', async () => {
    const failed = await start({ ...required, DASHBOARD_URL: 'http://canary.test/path' });
    expect(failed).toMatchObject({ code: 78, stdout: '' });
    const { stderr } = failed as { stderr: string };
    expect(stderr).toContain('DASHBOARD_URL must be an http(s) origin without a path');
    expect(stderr).not.toContain('canary');
  });
});
