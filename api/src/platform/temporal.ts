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
  /** Calls Temporal with a time limit. Problem: `service_unavailable`, if it is unavailable or slow. */
  within<T>(ms: number, call: (client: Client) => Promise<T>): Promise<T>;
  /** Checks the health of Temporal. Reconnects if it does not serve. */
  look(): Promise<Seen>;
  close(): Promise<void>;
}

const channelArgs = {
  // Reconnect within a second of recovery. The backoff of gRPC grows longer.
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A server can reject pings that are less than 10 s apart.
  'grpc.keepalive_time_ms': 15_000,
  'grpc.keepalive_timeout_ms': 3_000,
  // Otherwise gRPC would reuse the socket of another connection to this address.
  'grpc.use_local_subchannel_pool': 1,
};

/** If the run of an update-with-start ends during the call, the error is a plain gRPC error. */
const isAway = (error: unknown): boolean =>
  error instanceof ServiceError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

const open = (settings: TemporalAccess) => {
  const connection = Connection.lazy({
    address: settings.TEMPORAL_ADDRESS,
    ...(settings.TEMPORAL_API_KEY ? { apiKey: settings.TEMPORAL_API_KEY, tls: true } : {}),
    channelArgs,
    // The client's retries cannot be cancelled, not even by closing it. Callers decide whether to retry.
    interceptors: [],
    connectTimeout: 2_000,
  });
  return { connection, client: new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE }) };
};

type AskedConnection = Pick<Connection, 'withDeadline' | 'healthService'>;

/** The client's deadline applies to each gRPC call, and it makes several. This one applies to all together. */
const within = async <T>(ms: number, connection: AskedConnection, call: () => Promise<T>): Promise<T> => {
  const late = () => unavailable(new Error(`Temporal did not answer within ${Math.round(ms)} ms`));
  try {
    return await inTime(ms, connection.withDeadline(Date.now() + ms, call), late);
  } catch (error) {
    throw isAway(error) ? unavailable(error) : error;
  }
};

const LOOK_MS = 1_000;
/** The service name and the status SERVING of the gRPC health protocol. */
const SERVICE = 'temporal.api.workflowservice.v1.WorkflowService';
const SERVING = 1;
/** gRPC status codes of a server that is unavailable or too slow, and of one without the health protocol. */
const AWAY = [1, 4, 14];
const UNIMPLEMENTED = 12;

/** Checks the health of Temporal on the connection of a client or a worker. */
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
 * Connects at the first call, so a process can start while Temporal is unavailable. After a failed call, the connection
 * is checked and replaced if it does not serve. The new one resolves the address again.
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
