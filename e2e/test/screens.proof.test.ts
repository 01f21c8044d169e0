import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { walkAgent, walkAgents, walkChanges, walkRegistering, walkResources } from './screens/agents.ts';
import { walkBankDebit, walkFailures, walkInvoices, walkPurchase, walkStates } from './screens/billing.ts';
import { showMails } from './screens/mails.ts';
import {
  walkChangeOfEmail,
  walkPassword,
  walkSettings,
  walkSite,
  walkTwoFactor,
  walkVerification,
} from './screens/site.ts';
import { openStudio } from './screens/studio.ts';
import type { Studio } from './screens/studio.ts';
import { walkFirstSteps, walkLimits, walkNavigation, walkUsage } from './screens/usage.ts';

let studio: Studio;
beforeAll(async () => {
  studio = await openStudio();
}, 180_000);
afterAll(() => studio.close());

it.each(
  [
    walkSite,
    walkPassword,
    walkVerification,
    walkChangeOfEmail,
    walkTwoFactor,
    walkSettings,
    walkRegistering,
    walkAgents,
    walkAgent,
    walkChanges,
    walkResources,
    walkFirstSteps,
    walkUsage,
    walkLimits,
    walkNavigation,
    walkPurchase,
    walkStates,
    walkBankDebit,
    walkInvoices,
    walkFailures,
    showMails,
  ].map((walk) => [walk.name, walk] as const),
)('Each state fits phones and desktops, and passes axe: %s', (_name, walk) => walk(studio));

const PICTURES = /-(?:1440-light|360-dark)\.png$/;

const readmeOf = (shown: Map<string, string>): string =>
  [
    '# Pictures of the dashboard',
    '',
    'Each page and state of the dashboard, at 1440 px in the light scheme and at 360 px in the dark one. This command makes all of them, and this list, anew:',
    '',
    '```sh',
    'npm run screens',
    '```',
    '',
    'It walks the dashboard in a browser, over servers that it starts itself. In each state it also checks the page with axe and that the page is not wider than the window. `npm run proof -- e2e/test/screens` only checks. `SCREENS_ALL=1` takes both schemes at both widths.',
    '',
    'The files of a state are its name with `-1440-light.png` and `-360-dark.png`. The two pictures of the Temporal UI belong to [the guide for operators](../operators.md) and are taken by hand.',
    '',
    ...[...shown].map(([name, shows]) => `- \`${name}\`: ${shows}`),
    '',
  ].join('\n');

it('The list of the pictures names each state', async () => {
  const folder = process.env.SCREENS_DIR;
  const readme = readmeOf(studio.shown);
  if (folder) {
    await writeFile(`${folder}/README.md`, readme);
    const isStale = (file: string) => PICTURES.test(file) && !studio.shown.has(file.replace(PICTURES, ''));
    for (const file of (await readdir(folder)).filter(isStale)) await rm(`${folder}/${file}`);
  }
  const file = `${folder ?? 'docs/screens'}/README.md`;
  const listed = new Set((await readFile(file, 'utf8')).split('\n'));
  expect(readme.split('\n').filter((line) => !listed.has(line))).toEqual([]);
});
