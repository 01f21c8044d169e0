import {
  Client,
  Connection,
  ServiceError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
} from '@temporalio/client';
import { inTime } from './in-time.ts';
import { Problem, unavailable } from './problem.ts';
import type { Seen } from './service-state.ts';

export interface TemporalAccess {
  TEMPORAL_ADDRESS: string;
  TEMPORAL_NAMESPACE: string;
  TEMPORAL_API_KEY?: string | undefined;
}

export interface Temporal {
  /** Calls Temporal, and gives up after so long. Problem: `service_unavailable`, where it is away or slow. */
  within<T>(ms: number, call: (client: Client) => Promise<T>): Promise<T>;
  /** Asks Temporal whether it serves; connects anew, if it doesn't. */
  look(): Promise<Seen>;
  close(): Promise<void>;
}

const channelArgs = {
  // Back within a second of an outage's end, instead of after gRPC's growing pauses.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A server may forbid pings that are less than 10 s apart.
  'grpc.keepalive_time_ms': 15_000,
  'grpc.keepalive_timeout_ms': 3_000,
  // A new connection is one: gRPC would share the socket of any other to this address.
  'grpc.use_local_subchannel_pool': 1,
};

/** An update-with-start whose run ends meanwhile is told in gRPC's own error. */
const isAway = (error: unknown): boolean =>
  error instanceof ServiceError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

const open = (settings: TemporalAccess) => {
  const connection = Connection.lazy({
    address: settings.TEMPORAL_ADDRESS,
    ...(settings.TEMPORAL_API_KEY ? { apiKey: settings.TEMPORAL_API_KEY, tls: true } : {}),
    channelArgs,
    // The client's own retries can't be called off, not even by closing it; who calls decides what is tried again.
    interceptors: [],
    connectTimeout: 2_000,
  });
  return { connection, client: new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE }) };
};

type AskedConnection = Pick<Connection, 'withDeadline' | 'healthService'>;

/** The deadline is per gRPC call, and the client makes several: this one is for all of them. */
const within = async <T>(ms: number, connection: AskedConnection, call: () => Promise<T>): Promise<T> => {
  const late = () => unavailable(new Error(`Temporal did not answer within ${Math.round(ms)} ms`));
  try {
    return await inTime(ms, connection.withDeadline(Date.now() + ms, call), late);
  } catch (error) {
    throw isAway(error) ? unavailable(error) : error;
  }
};

const LOOK_MS = 1_000;
/** The service that gRPC's health protocol is asked about, and its answer SERVING. */
const SERVICE = 'temporal.api.workflowservice.v1.WorkflowService';
const SERVING = 1;
/** gRPC's codes: of one that is away (Temporal's own client calls off what is late), and of one without that protocol. */
const AWAY = [1, 4, 14];
const UNIMPLEMENTED = 12;

/** Asks whether Temporal serves, over a connection of a client or of a worker. */
export const askTemporal = async (connection: AskedConnection): Promise<Seen> => {
  try {
    const { status } = await within(LOOK_MS, connection, () =>
      connection.healthService.check({ service: SERVICE }),
    );
    if (status === SERVING) return { state: 'connected' };
    return { state: 'degraded', cause: new Error(`Temporal says that it does not serve (status ${status})`) };
  } catch (error) {
    const { cause = error } = error as Error;
    if (!isGrpcServiceError(cause) || AWAY.includes(cause.code)) return { state: 'disconnected', cause };
    return cause.code === UNIMPLEMENTED ? { state: 'connected' } : { state: 'degraded', cause };
  }
};

/**
 * Connects at the first call: a Temporal that is away stops nothing from starting. A call that fails has the connection
 * looked at, and one that does not serve is replaced, by one to whatever the address leads to then.
 */
export const createTemporal = (settings: TemporalAccess): Temporal => {
  let current = open(settings);
  let isClosed = false;
  let looking: Promise<Seen> | undefined;

  const lookOnce = async (): Promise<Seen> => {
    const { connection } = current;
    const seen = await askTemporal(connection);
    if (seen.state !== 'connected' && !isClosed) {
      current = open(settings);
      await connection.close();
    }
    return seen;
  };
  const look = (): Promise<Seen> => (looking ??= lookOnce().finally(() => (looking = undefined)));

  return {
    within: async (ms, call) => {
      const { client, connection } = current;
      try {
        return await within(ms, connection, () => call(client));
      } catch (error) {
        if (!isClosed && error instanceof Problem && error.code === 'service_unavailable') void look();
        throw error;
      }
    },
    look,
    close: async () => {
      isClosed = true;
      await looking;
      await current.connection.close();
    },
  };
};
