import { createHmac } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { SellingStack } from './stack.ts';

const POLL_MS = 1_000;
/** Events become visible late, and the clocks differ. */
const OVERLAP_SECONDS = 60;
/** The kinds that our endpoint asks for, and more. */
const WANTED = /^(checkout\.session|customer\.subscription|invoice|charge|test_helpers\.test_clock)\./;

interface Event {
  id: string;
  type: string;
}

interface Page {
  data: Event[];
  has_more: boolean;
}

/** The secret of the webhooks that are forwarded. */
export const FORWARDED_SECRET = 'whsec_forwarded';

export interface Forwarding {
  /** The types of the events that our webhook has accepted so far. */
  accepted(): string[];
  /** Throws if our webhook has refused an event. */
  stop(): Promise<void>;
}

const signed = (body: string): Record<string, string> => {
  const seconds = Math.floor(Date.now() / 1_000);
  const digest = createHmac('sha256', FORWARDED_SECRET).update(`${seconds}.${body}`).digest('hex');
  return { 'content-type': 'application/json', 'stripe-signature': `t=${seconds},v1=${digest}` };
};

/**
 * Delivers Stripe's events to our webhook, each once and signed, as `stripe listen` does: Stripe cannot reach this
 * machine, so its list of events is polled.
 */
export const forwardEvents = ({ apiUrl, billing }: SellingStack): Forwarding => {
  const since = Math.floor(Date.now() / 1_000) - OVERLAP_SECONDS;
  const accepted = new Map<string, string>();
  const stopping = new AbortController();

  /** The newest first. */
  const listNew = async (after = ''): Promise<Event[]> => {
    const from = after && `&starting_after=${after}`;
    const { data, has_more: isMore } = await billing.ask<Page>(
      `/events?limit=100&created[gte]=${since}${from}`,
    );
    const found = data.filter(({ id, type }) => WANTED.test(type) && !accepted.has(id));
    return isMore && found.length > 0 ? [...found, ...(await listNew(data.at(-1)!.id))] : found;
  };
  const deliver = async (event: Event): Promise<void> => {
    const body = JSON.stringify(event, null, 2);
    const response = await fetch(`${apiUrl}/billing/webhook`, {
      method: 'POST',
      headers: signed(body),
      body,
    });
    const text = await response.text();
    if (response.status >= 500) return;
    if (!response.ok) throw new Error(`our webhook refused ${event.type} with ${response.status}: ${text}`);
    accepted.set(event.id, event.type);
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // A list that could not be read, or a webhook that was not answered, is tried again.
      for (const event of (await listNew().catch(() => [])).toReversed()) await deliver(event);
      await wait(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const ended = run().then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    accepted: () => [...accepted.values()],
    stop: async () => {
      stopping.abort();
      const error = await ended;
      if (error) throw error as Error;
    },
  };
};
