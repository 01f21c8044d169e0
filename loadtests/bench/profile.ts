import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The part of V8's CPU profile that we read. Times are in microseconds. */
interface CpuProfile {
  nodes: Node[];
  samples: number[];
  timeDeltas: number[];
}

interface Node {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The package of a dependency, or a path such as `api/src/http/app.ts`. `undefined` for Node's own code. */
const fileOf = ({ callFrame: { url } }: Node): string | undefined => {
  if (!url.startsWith('file:')) return undefined;
  const path = fileURLToPath(url).replace(root, '');
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? [];
  return name ?? path;
};

const nameOf = (node: Node): string => node.callFrame.functionName || '(anonymous)';

type Label = (node: Node, parents: Map<number, Node>) => string;

/** The file or package to charge. Node's own code counts for its caller. */
const fileCharged: Label = (node, parents) => {
  if (nameOf(node) === '(garbage collector)') return nameOf(node);
  for (let at: Node | undefined = node; at; at = parents.get(at.id)) {
    const file = fileOf(at);
    if (file !== undefined) return file;
  }
  return 'node: HTTP, sockets, timers';
};

/** A Node function with the file that called it, because `writev` alone is not useful. */
const functionCharged: Label = (node, parents) => {
  const { lineNumber } = node.callFrame;
  const file = fileOf(node);
  if (file === undefined) return `${nameOf(node)}  ← ${fileCharged(node, parents)}`;
  return `${nameOf(node)}  ${file}${file.endsWith('.ts') ? `:${lineNumber + 1}` : ''}`;
};

interface Busy {
  /** Shares of the time that was not idle, the largest first. */
  shares: [string, number][];
  /** How much of all time that was. */
  busy: number;
}

/** Reads only the second half, without the start-up and the first requests. */
const chargeTimes = ({ nodes, samples, timeDeltas }: CpuProfile, label: Label): Busy => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  const times = new Map<string, number>();
  let [busy, idle] = [0, 0];
  for (let index = Math.floor(samples.length / 2); index < samples.length; index++) {
    const node = byId.get(samples[index]!)!;
    const time = timeDeltas[index] ?? 0;
    if (nameOf(node) === '(idle)') {
      idle += time;
      continue;
    }
    busy += time;
    const key = label(node, parents);
    times.set(key, (times.get(key) ?? 0) + time);
  }
  const shares = [...times].map(([name, time]): [string, number] => [name, time / busy]);
  return { shares: shares.sort(([, a], [, b]) => b - a), busy: busy / (busy + idle) };
};

const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(6)} %`;

const list = (title: string, shares: [string, number][], count: number): string[] => [
  '',
  `  ${title}`,
  ...shares.slice(0, count).map(([name, share]) => `  ${percent(share)}  ${name}`),
];

/** An empty folder for the profile of one process. */
export const prepareProfile = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
};

const describeThread = (file: string): string[] => {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const { shares, busy } = chargeTimes(profile, fileCharged);
  return [
    '',
    `  The event loop was busy for ${percent(busy).trim()} of the time.`,
    ...list('by file or package, with what Node did for it', shares, 20),
    ...list('by function', chargeTimes(profile, functionCharged).shares, 25),
    '',
    `  All of it, for a browser’s DevTools: ${file}`,
    '',
  ];
};

/** The time of each thread of the process, without idle time: by file or package, and by function. */
export const describeProfile = (folder: string): string => {
  const names = readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'));
  if (names.length === 0) throw new Error(`no CPU profile was written to ${folder}`);
  return names
    .sort()
    .flatMap((name) => describeThread(join(folder, name)))
    .join('\n');
};
