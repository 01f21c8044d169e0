import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../src/wait-for.ts';
import { readDemo } from './launcher.ts';

type Settings = Record<string, string>;

const temporal = async (settings: Settings, ...args: string[]): Promise<string> => {
  const address = `127.0.0.1:${settings.TEMPORAL_PORT}`;
  const program = process.env.TEST_TEMPORAL_PROGRAM!;
  return (await promisify(execFile)(program, [...args, '--address', address])).stdout;
};

const stripe = async (dataDir: string, path: string, init: RequestInit = {}): Promise<string> => {
  const headers = { authorization: 'Bearer sk_test_local' };
  return (await fetch(`${readDemo(dataDir).stripeUrl}/v1/${path}`, { ...init, headers })).text();
};

const inbox = async (dataDir: string): Promise<string> =>
  (await fetch(`${readDemo(dataDir).mailUrl}/api/email`)).text();

const sendMail = (dataDir: string): void => {
  const ports = JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as { smtp: number };
  const envelope = ['HELO test', 'MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.com>'];
  const lines = [...envelope, 'DATA', 'Subject: kept', '', 'kept', '.', 'QUIT', ''];
  const socket = connect(ports.smtp, '127.0.0.1');
  // Whoever speaks before the greeting is sent away.
  socket.once('data', () => socket.write(lines.join('\r\n')));
};

/** Leaves something in each part that keeps what it is given. */
export const leaveTraces = async (dataDir: string, settings: Settings): Promise<void> => {
  const workflow = ['--type', 'none', '--task-queue', 'none', '--workflow-id', 'kept'];
  await temporal(settings, 'workflow', 'start', ...workflow);
  const body = new URLSearchParams({ email: 'kept@example.com' });
  await stripe(dataDir, 'customers', { method: 'POST', body });
  sendMail(dataDir);
  await waitFor('The mail', async () => (await inbox(dataDir)).includes('kept'));
};

/** Which of them are still there. */
export const traces = async (dataDir: string, settings: Settings): Promise<string[]> => {
  const isThere = {
    workflow: (await temporal(settings, 'workflow', 'list', '--output', 'json')).includes('"kept"'),
    customer: (await stripe(dataDir, 'events')).includes('kept@example.com'),
    mail: (await inbox(dataDir)).includes('kept'),
  };
  return Object.entries(isThere).flatMap(([name, found]) => (found ? [name] : []));
};
