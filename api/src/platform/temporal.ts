import { setTimeout as wait } from 'node:timers/promises';
import {
  Client,
  Connection,
  ServiceError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  isGrpcServiceError,
} from '@temporalio/client';
import { unavailable } from './problem.ts';

export interface TemporalAccess {
  TEMPORAL_ADDRESS: string;
  TEMPORAL_NAMESPACE: string;
  TEMPORAL_API_KEY?: string | undefined;
}

export interface Temporal {
  /** Calls Temporal, and gives up after so long. Problem: `service_unavailable`, where it is away or slow. */
  within<T>(ms: number, call: (client: Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Back within a second of an outage's end, instead of after gRPC's growing pauses. */
const channelArgs = { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 1_000 };

/** An update-with-start whose run ends meanwhile is told in gRPC's own error. */
const isAway = (error: unknown): boolean =>
  error instanceof ServiceError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

/** Connects at the first call: a Temporal that is away stops nothing from starting. */
export const createTemporal = (settings: TemporalAccess): Temporal => {
  const connection = Connection.lazy({
    address: settings.TEMPORAL_ADDRESS,
    ...(settings.TEMPORAL_API_KEY ? { apiKey: settings.TEMPORAL_API_KEY, tls: true } : {}),
    channelArgs,
    // The client's own retries can't be called off, not even by closing it; who calls decides what is tried again.
    interceptors: [],
    connectTimeout: 2_000,
  });
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  return {
    within: async (ms, call) => {
      const done = new AbortController();
      // The deadline is per gRPC call, and the client makes several: this one is for all of them.
      const late = wait(ms, undefined, { signal: done.signal, ref: false }).then(() => {
        throw unavailable(new Error(`Temporal did not answer within ${Math.round(ms)} ms`));
      });
      late.catch(() => {});
      try {
        return await Promise.race([client.withDeadline(Date.now() + ms, () => call(client)), late]);
      } catch (error) {
        throw isAway(error) ? unavailable(error) : error;
      } finally {
        done.abort();
      }
    },
    close: () => connection.close(),
  };
};
