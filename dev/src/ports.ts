import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Listens for a moment to see whether it can. */
const canListen = async (port: number, host: string): Promise<boolean> => {
  const server = createServer().listen(port, host);
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    // Without IPv6, no program can listen on "::".
    return ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '');
  } finally {
    server.close();
  }
};

/** No program listens on the port, neither on loopback nor on all addresses. */
export const isFree = async (port: number): Promise<boolean> =>
  (await canListen(port, '127.0.0.1')) && (await canListen(port, '::'));

const claims = join(tmpdir(), `sentryagent-ports-${userInfo().uid}`);
/** The time for which a port stays reserved. */
const CLAIM_MS = 120_000;

/** Reserves a port against the other launchers on this machine. Returns false if another one has reserved it. */
const claim = (port: number): boolean => {
  const file = join(claims, String(port));
  try {
    mkdirSync(claims, { recursive: true });
    writeFileSync(file, '', { flag: 'wx' });
    return true;
  } catch {
    if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < CLAIM_MS) return false;
    utimesSync(file, new Date(), new Date());
    return true;
  }
};

/**
 * A port for a program that listens later. For outgoing connections and for port 0, the system uses ports from 32,768
 * (Linux) or 49,152 (macOS). A lower port is not taken before the program listens.
 */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    if (claim(port) && (await isFree(port))) return port;
  }
};

const readPorts = (file: string): Record<string, number> => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
};

/** The port of the previous start, so that your own connections to the part still work. Otherwise a free port. */
export const keptPort = async (dataDir: string, name: string): Promise<number> => {
  const file = join(dataDir, 'ports.json');
  const ports = readPorts(file);
  const last = ports[name];
  if (last && (await isFree(last))) return last;
  const port = await freePort();
  writeFileSync(file, `${JSON.stringify({ ...ports, [name]: port })}\n`);
  return port;
};

/** The part that uses the port of each variable. */
const TAKERS: Record<string, string> = {
  API_PORT: 'API',
  DASHBOARD_PORT: 'dashboard',
  TEMPORAL_PORT: 'Temporal',
  TEMPORAL_UI_PORT: 'Temporal’s UI',
  STRIPE_PORT: 'Stripe stand-in',
  MAIL_PORT: 'mail inbox',
  METRICS_PORT: 'API’s metrics',
  WORKER_METRICS_PORT: 'worker’s metrics',
};

/** The first free port from `port` + 1000 that no other part uses. */
const otherPort = async (port: number, wanted: Set<number>): Promise<number> => {
  const others = Array.from({ length: 100 }, (_, step) => port + 1_000 + step).filter(
    (other) => other < 65_536,
  );
  for (const other of others) if (!wanted.has(other) && (await isFree(other))) return other;
  return freePort();
};

/** Returns a message for each port that is in use, with the variable to set. */
export const takenPorts = async (wanted: Record<string, number>): Promise<string[]> => {
  const spoken = new Set(Object.values(wanted));
  const problems: string[] = [];
  for (const [variable, port] of Object.entries(wanted)) {
    if (await isFree(port)) continue;
    const other = await otherPort(port, spoken);
    spoken.add(other);
    problems.push(
      `Port ${port} (${TAKERS[variable]}) is in use by another program. Stop that program, or use another port: ` +
        `${variable}=${other} npm start`,
    );
  }
  return problems;
};
