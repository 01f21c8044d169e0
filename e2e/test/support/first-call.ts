import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';

/** The secret that the page shows. */
export const shownSecret = async (page: Page): Promise<string> =>
  (await page.getByRole('group', { name: 'Client secret' }).locator('code').innerText()).trim();

/** The code that the page shows under a tab. */
const shownCode = async (page: Page, language: string): Promise<string> => {
  await page.getByRole('main').getByText(language, { exact: true }).click();
  return page
    .getByRole('group', { name: `${language} code` })
    .locator('code')
    .innerText();
};

const programs = {
  curl: { file: 'first-call.sh', command: 'bash -euo pipefail first-call.sh' },
  TypeScript: { file: 'first-call.mts', command: `'${process.execPath}' first-call.mts` },
  Python: { file: 'first_call.py', command: 'python3 first_call.py' },
} as const;

export type Language = keyof typeof programs;

export const languages = Object.keys(programs) as Language[];

/** Runs the code of a tab as it stands, with only the secret's variable set by `prepare`, and parses what it prints. */
const run = async (code: string, language: Language, prepare: string, files: Record<string, string> = {}) => {
  const { file, command } = programs[language];
  const folder = await mkdtemp(join(tmpdir(), 'first-call-'));
  try {
    for (const [name, text] of Object.entries({ ...files, [file]: code }))
      await writeFile(join(folder, name), text);
    const env = { PATH: process.env.PATH };
    const { stdout } = await promisify(execFile)('bash', ['-c', `${prepare}\n${command}`], {
      cwd: folder,
      env,
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** Makes the first call in a language, as the page shows it. */
export const makeFirstCall = async (page: Page, language: Language = 'curl') => {
  const secret = await shownSecret(page);
  return run(await shownCode(page, language), language, `export CLIENT_SECRET='${secret}'`);
};

/** The same, with the downloaded file and the command that loads it. */
export const makeFirstCallWithFile = async (page: Page, language: Language = 'curl') => {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download .env' }).click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const load = await page.getByRole('group', { name: 'Shell command' }).locator('code').innerText();
  const files = { [download.suggestedFilename()]: Buffer.concat(chunks).toString() };
  return run(await shownCode(page, language), language, load, files);
};
