import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Part } from '../part.ts';
import { keptPort } from '../ports.ts';
import { answers, listens, waitFor } from '../wait-for.ts';

export const mail: Part = {
  name: 'mail',
  async start({ config, children }) {
    if (config.smtpUrl) return { found: { smtpUrl: config.smtpUrl }, note: 'yours (SMTP_URL)' };
    const { dataDir, mailPort } = config;
    const port = await keptPort(dataDir, 'smtp');
    const program = join(dirname(fileURLToPath(import.meta.resolve('maildev'))), 'bin/maildev.js');
    const smtp = ['--smtp', String(port), '--ip', '127.0.0.1'];
    const web = ['--web', String(mailPort), '--web-ip', '127.0.0.1'];
    const kept = ['--mail-directory', join(dataDir, 'mail')];
    children.serve({ name: 'mail', argv: [process.execPath, program, ...smtp, ...web, ...kept] });
    await waitFor('The mail inbox', () => answers(`http://127.0.0.1:${mailPort}/api/healthz`));
    await waitFor('The mail server', () => listens('127.0.0.1', port));
    const mailUrl = `http://localhost:${mailPort}`;
    return { found: { smtpUrl: `smtp://127.0.0.1:${port}`, mailUrl }, rows: [['Mail inbox', mailUrl]] };
  },
};
