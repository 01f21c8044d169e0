import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Children } from './children.ts';
import { waitFor } from './wait-for.ts';

export interface RedisSettings {
  program: string;
  children: Children;
  dataDir: string;
  port: number;
  databases?: number;
}

/** While Redis loads its file, it returns `-LOADING`. */
const pings = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
    socket.on('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
  });

/** Starts Redis on 127.0.0.1, with its append-only file in the data folder. Returns its URL. */
export const startRedis = async ({
  program,
  children,
  dataDir,
  port,
  databases = 16,
}: RedisSettings): Promise<string> => {
  const dir = join(dataDir, 'redis');
  mkdirSync(dir, { recursive: true });
  const options = {
    bind: '127.0.0.1',
    port: String(port),
    databases: String(databases),
    dir,
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  children.serve({ name: 'redis', argv: [program, ...flags] });
  await waitFor('Redis', () => pings(port));
  return `redis://127.0.0.1:${port}`;
};
