import { newId } from './ids.ts';
import type { Emit } from './stand.ts';
import type { State } from './state.ts';
import type { Violations } from './violations.ts';
import type { Webhooks } from './webhooks.ts';
import { presented } from './expand.ts';
import { API_VERSION } from './wire.ts';
import type { StripeEvent } from './wire.ts';

interface Place {
  state: State;
  now(): number;
  webhooks: Webhooks;
  violations: Violations;
  changed(): void;
}

/** Records events, checks them by the schema and sends them. */
export const createEmit =
  ({ state, now, webhooks, violations, changed }: Place): Emit =>
  (cause, type, object, previous) => {
    const event: StripeEvent = {
      id: newId('evt_1'),
      object: 'event',
      api_version: API_VERSION,
      created: now(),
      livemode: false,
      pending_webhooks: 0,
      request: cause,
      type,
      data: {
        object: structuredClone(presented(object)),
        ...(previous && { previous_attributes: structuredClone(previous) }),
      },
    };
    violations.note(`the event ${type}`, violations.schema?.event(event));
    state.events[event.id] = event;
    event.pending_webhooks = webhooks.publish(event);
    changed();
  };
