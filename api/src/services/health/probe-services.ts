import { cached } from '../../platform/cached.ts';
import { inTime } from '../../platform/in-time.ts';
import type { Seen, ServiceState } from '../../platform/service-state.ts';
import { SLOW_MS, type HealthSources } from './watch-health.ts';

export const probeStatuses = ['healthy', 'degraded', 'unreachable', 'disabled'] as const;

export interface Probed {
  status: (typeof probeStatuses)[number];
  /** `null`: not measured. */
  latencyMs: number | null;
}

/** The maximum time of a probe. */
export const PROBE_MS = 2_000;
/** All callers within this time share one probe. */
const SHARED_MS = 10_000;

/** Asks a service how it is, and measures the time unless the answer has it. Never rejects. */
export const lookAt = async (ask: () => Promise<Seen> | Seen) => {
  const started = performance.now();
  const late = () => new Error(`no response within ${PROBE_MS} ms`);
  const seen = await inTime(PROBE_MS, (async () => ask())(), late).catch((cause: unknown): Seen => ({
    state: 'disconnected',
    cause,
  }));
  return { latencyMs: Math.round(performance.now() - started), ...seen };
};

const statusOf = {
  connected: 'healthy',
  degraded: 'degraded',
  disconnected: 'unreachable',
  disabled: 'disabled',
} as const satisfies Record<ServiceState, Probed['status']>;

export const probe = async (ask: () => Promise<Seen> | Seen): Promise<Probed> => {
  const { state, latencyMs } = await lookAt(ask);
  if (state === 'disabled') return { status: state, latencyMs: null };
  const isSlow = state === 'connected' && (latencyMs ?? 0) > SLOW_MS;
  return { status: isSlow ? 'degraded' : statusOf[state], latencyMs };
};

export type Probes<Name extends string> = () => Promise<Record<Name, Probed>>;

/** Probes all services in parallel, at most once every ten seconds. */
export const createProbes = <Name extends string>(sources: HealthSources<Name>): Probes<Name> => {
  const names = Object.keys(sources) as Name[];
  return cached(SHARED_MS, async () => {
    const probed = await Promise.all(names.map(async (name) => [name, await probe(sources[name])] as const));
    return Object.fromEntries(probed) as Record<Name, Probed>;
  });
};
