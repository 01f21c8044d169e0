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

const KEPT_SECONDS = 30 * 86_400;

/** Stripe keeps events for 30 days. */
const forgetOld = ({ state, now }: Place): void => {
  for (const { id, created } of Object.values(state.events)) {
    if (created >= now() - KEPT_SECONDS) return;
    delete state.events[id];
  }
};

/** Records events, checks them by the schema and sends them. */
export const createEmit =
  (place: Place): Emit =>
  (cause, type, object, previous) => {
    const { state, now, webhooks, violations, changed } = place;
    forgetOld(place);
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
