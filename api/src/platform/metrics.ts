import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A number, or one per value of the metric's label. */
type Reading = number | Readonly<Record<string, number>>;

/** Makes the metrics of one program. Every name begins with `agentidp_`. */
export const createRegistry = () => {
  const registry = new Registry();
  const shape = <L extends string>(name: string, help: string, labelNames: L[] = []) => ({
    name: `agentidp_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  return {
    registry,
    counter: <L extends string>(name: string, help: string, labels?: L[]) =>
      new Counter(shape(name, help, labels)),
    /** In seconds. */
    histogram: <L extends string>(name: string, help: string, labels: L[], buckets: number[]) =>
      new Histogram({ ...shape(name, help, labels), buckets }),
    /** Calls `read` for each scrape. If it fails, the scrape has no value of this metric. */
    gauge: (name: string, help: string, read: () => Reading | Promise<Reading>, label?: string): void => {
      const gauge = new Gauge({
        ...shape(name, help, label === undefined ? [] : [label]),
        collect: async () => {
          const failed = label === undefined ? Number.NaN : {};
          const reading = await (async () => read())().catch(() => failed);
          gauge.reset();
          if (typeof reading === 'number') gauge.set(reading);
          else for (const [value, number] of Object.entries(reading)) gauge.labels(value).set(number);
        },
      });
    },
  };
};

/** Later values than the first `max` become `other`, so callers cannot create series without end. */
const bounded = (max: number): ((value: string) => string) => {
  const known = new Set<string>();
  return (value) => {
    if (!known.has(value) && known.size >= max) return 'other';
    known.add(value);
    return value;
  };
};

const OPERATIONS = ['select', 'insert', 'update', 'delete'];
const QUICK = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2];
const PATIENT = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Pairs of an endpoint and a tenant. */
const REFUSED_PAIRS = 1_000;
/** More commands than this program sends. */
const COMMANDS = 30;

/** The metrics of the API. Each label has few values. */
export const createMetrics = ({ METRICS_MAX_TENANTS }: { METRICS_MAX_TENANTS: number }) => {
  const { registry, counter, histogram, gauge } = createRegistry();
  const requests = counter('http_requests_total', 'Requests', ['method', 'path', 'status_code']);
  const durations = 'http_request_duration_seconds';
  const requestTimes = histogram(durations, 'Time to respond', ['method', 'path'], PATIENT);
  const queryTimes = histogram('db_query_duration_seconds', 'Time of a statement', ['operation'], QUICK);
  const commandTimes = histogram('redis_command_duration_seconds', 'Time of a command', ['command'], QUICK);
  const calls = counter('tenant_api_calls_total', 'API calls that count as usage', ['tenant_id']);
  const hits = counter('rate_limit_hits_total', 'Requests over a rate limit', ['endpoint', 'tenant_id']);
  const rejections = counter('rate_limit_rejections_total', 'Requests over a rate limit');
  const quota = 'Requests over a limit of the free tier or the cap of an agent';
  const overQuota = counter('billing_limit_rejections_total', quota, ['tenant_id', 'limit_type']);
  const outcomes = {
    issueToken: counter('tokens_issued_total', 'Token requests', ['outcome']),
    registerAgent: counter('agents_registered_total', 'Registrations of agents', ['outcome']),
  };
  for (const each of Object.values(outcomes))
    for (const outcome of ['success', 'failure']) each.inc({ outcome }, 0);
  const tenant = bounded(METRICS_MAX_TENANTS);
  const pair = bounded(REFUSED_PAIRS);
  const command = bounded(COMMANDS);

  return {
    registry,
    gauge,
    /** `path`: the pattern of the route. */
    request: (route: { method: string; path: string }, status: number, ms: number): void => {
      requests.inc({ ...route, status_code: status });
      requestTimes.observe(route, ms / 1_000);
    },
    /** Counts the outcome of an operation that has a metric of its own. */
    outcome: (operationId: string, outcome: 'success' | 'failure'): void => {
      if (Object.hasOwn(outcomes, operationId))
        outcomes[operationId as keyof typeof outcomes].inc({ outcome });
    },
    apiCall: (tenantId: string): void => calls.inc({ tenant_id: tenant(tenantId) }),
    /** A request that the rate limiter refused; its tenant may be unknown. */
    rateLimited: (endpoint: string, tenantId: string | undefined): void => {
      rejections.inc();
      const label = tenantId === undefined ? 'none' : tenant(tenantId);
      hits.inc({ endpoint, tenant_id: pair(`${endpoint} ${label}`) === 'other' ? 'other' : label });
    },
    overQuota: (tenantId: string, limit: string): void =>
      overQuota.inc({ tenant_id: tenant(tenantId), limit_type: limit }),
    query: (sql: string, ms: number): void => {
      const operation = sql.slice(0, 6).toLowerCase();
      queryTimes.observe({ operation: OPERATIONS.includes(operation) ? operation : 'other' }, ms / 1_000);
    },
    command: (name: string, ms: number): void => commandTimes.observe({ command: command(name) }, ms / 1_000),
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
