import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram, isProgram } from './find-program.ts';

/** The headless shell comes first: it has no window to draw, so the browser tests need a third less processor time. */
const NAMES = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];
const MAC_APPS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Without snap, Ubuntu's `chromium-browser` is a script that only says so. */
const runs = (path: string): boolean => spawnSync(path, ['--version'], { timeout: 30_000 }).status === 0;

const find = ({ searchPath }: Config): string | undefined =>
  NAMES.flatMap((name) => findProgram([name], searchPath) ?? []).find(runs) ??
  [...MAC_APPS, chromium.executablePath()].find(runs);

/** Debian's packages if we are root, then Playwright's download, because Ubuntu has no such packages. */
const installers = ({ root, searchPath }: Config): string[][] => {
  const playwright = [process.execPath, `${root}node_modules/playwright-core/cli.js`, 'install'];
  const debian =
    existsSync('/etc/debian_version') && process.getuid?.() === 0 && findProgram(['apt-get'], searchPath);
  if (!debian) return [[...playwright, 'chromium']];
  return [
    ['apt-get', 'update'],
    ...['chromium-headless-shell', 'chromium'].map((name) => [
      ...['apt-get', 'install', '-y', '--no-install-recommends'],
      name,
    ]),
    [...playwright, '--with-deps', 'chromium'],
  ];
};

/** The path of a Chromium: CHROMIUM_PATH, an installed one, or a new installation. */
export const findChromium = async (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string> => {
  const given = config.chromiumPath;
  if (given && !isProgram(given)) throw new Error(`CHROMIUM_PATH is ${given}, but no program exists there.`);
  const found = given ?? find(config);
  if (found) return found;
  say('installing Chromium');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  let reason = '';
  for (const argv of installers(config)) {
    await children
      .run({ name: 'chromium-install', argv, env, timeoutMs: 600_000 })
      .catch((error: Error) => (reason = `${error.message}\n\n`));
    const installed = find(config);
    if (installed) return installed;
  }
  throw new Error(
    `${reason}The tests need Chromium, but none was found that runs. Install it (\`apt-get install chromium-headless-shell\`, ` +
      '`brew install --cask chromium` or `npx playwright-core install chromium`), or set CHROMIUM_PATH to its path.',
  );
};
