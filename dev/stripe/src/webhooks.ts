import { createHmac } from 'node:crypto';
import { takeOne } from './faults.ts';
import type { Faults } from './faults.ts';
import { newId } from './ids.ts';
import type { Delivery, State } from './state.ts';
import type { StripeEvent, WebhookEndpoint } from './wire.ts';

const ANSWER_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
const KEPT = 1_000;

/** `Stripe-Signature`: an HMAC over the time and the raw bytes; the key is the whole text `whsec_…`. */
const signatureOf = (secret: string, body: string, seconds: number): string => {
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${digest}`;
};

const send = async (url: string, secret: string, event: StripeEvent): Promise<number | string> => {
  const body = JSON.stringify(event, null, 2);
  // The signature uses the real time, not the time of a test clock.
  const signature = signatureOf(secret, body, Math.floor(Date.now() / 1_000));
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return cause?.code ?? message;
  }
};

export interface Webhooks {
  /** Queues an event for every endpoint that wants it. Returns their number. */
  publish(event: StripeEvent): number;
  /** Sends what is due, including deliveries that a restart interrupted. */
  resume(): void;
}

interface Place {
  state: State;
  faults: Faults;
  changed(): void;
}

const settle = ({ state, changed }: Place, delivery: Delivery, status: number | string): void => {
  const taken = typeof status === 'number' && status >= 200 && status < 300;
  delivery.attempts += 1;
  delivery.lastStatus = status;
  const wait = Math.min(FIRST_RETRY_MS * 2 ** (delivery.attempts - 1), LONGEST_RETRY_MS);
  delivery.nextAt = taken ? null : Date.now() + wait;
  const event = state.events[delivery.event];
  if (taken && event) event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
  changed();
};

const giveUp = ({ changed }: Place, delivery: Delivery, why: string): void => {
  delivery.nextAt = null;
  delivery.lastStatus = why;
  changed();
};

const attempt = async (place: Place, delivery: Delivery): Promise<void> => {
  const { events, endpoints, secrets } = place.state;
  const [event, endpoint] = [events[delivery.event], endpoints[delivery.endpoint]];
  const secret = secrets[delivery.endpoint];
  if (!event || endpoint?.status !== 'enabled' || !secret) {
    return giveUp(place, delivery, 'the endpoint is gone');
  }
  settle(place, delivery, await send(endpoint.url, secret, event));
};

const enqueue = ({ state, faults }: Place, event: StripeEvent, endpoint: WebhookEndpoint): void => {
  const dropped = takeOne(faults, 'dropWebhooks');
  const id = newId('del_');
  state.deliveries[id] = {
    id,
    event: event.id,
    type: event.type,
    endpoint: endpoint.id,
    url: endpoint.url,
    attempts: 0,
    nextAt: dropped ? null : Date.now() + faults.delayWebhooksMs,
    lastStatus: dropped ? 'dropped by a fault' : null,
  };
};

const forgetOld = ({ state }: Place): void => {
  const done = Object.values(state.deliveries).filter(({ nextAt }) => nextAt === null);
  for (const { id } of done.slice(0, -KEPT)) delete state.deliveries[id];
};

const wants = ({ status, enabled_events: types }: WebhookEndpoint, type: string): boolean =>
  status === 'enabled' && (types.includes('*') || types.includes(type));

/** Repeats each delivery until the endpoint accepts it. Pending ones are in the state. */
export const createWebhooks = (place: Place): Webhooks => {
  const { state, faults } = place;
  const onTheWay = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const start = (delivery: Delivery): void => {
    onTheWay.add(delivery.id);
    void attempt(place, delivery).then(() => {
      onTheWay.delete(delivery.id);
      resume();
    });
  };

  const resume = (): void => {
    clearTimeout(timer);
    const waiting = Object.values(state.deliveries).filter(
      ({ id, nextAt }) => nextAt !== null && !onTheWay.has(id),
    );
    for (const delivery of waiting) if (delivery.nextAt! <= Date.now()) start(delivery);
    const next = Math.min(...waiting.filter(({ id }) => !onTheWay.has(id)).map(({ nextAt }) => nextAt!));
    if (next !== Infinity) timer = setTimeout(resume, Math.max(0, next - Date.now()));
  };

  return {
    resume,
    publish: (event) => {
      const wanting = Object.values(state.endpoints).filter((endpoint) => wants(endpoint, event.type));
      for (const endpoint of wanting) {
        enqueue(place, event, endpoint);
        if (takeOne(faults, 'duplicateWebhooks')) enqueue(place, event, endpoint);
      }
      forgetOld(place);
      // After the response to the request that caused it.
      setImmediate(resume);
      return wanting.length;
    },
  };
};
