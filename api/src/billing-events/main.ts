import { runCommand, say } from '../platform/command.ts';
import { createDatabase } from '../platform/database.ts';
import { listQuarantined, type QuarantinedEvent } from '../services/billing/events/inbox.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const db = createDatabase(config);

/** The newest ones. Older ones need no action. */
const MOST = 1_000;

const whyOf = ({ quarantined_because: because, metadata_tenant_id: named }: QuarantinedEvent): string =>
  because === 'unknown_customer'
    ? 'no tenant has this customer'
    : `its metadata names ${named}, but the customer is of another tenant`;

const toJson = (event: QuarantinedEvent) => ({
  eventId: event.event_id,
  type: event.type,
  customerId: event.customer_id,
  metadataTenantId: event.metadata_tenant_id,
  reason: event.quarantined_because,
  createdAt: event.created_at.toISOString(),
});

const toLine = (event: QuarantinedEvent): string => {
  const { event_id: id, type, customer_id: customer, created_at: at } = event;
  return `${at.toISOString()}  ${id}  ${type}  ${customer ?? 'no customer'}: ${whyOf(event)}`;
};

const list = async (): Promise<void> => {
  const events = await listQuarantined(db, MOST);
  if (config.json) return say(JSON.stringify(events.map(toJson), null, 2));
  if (events.length === 0) say('No Stripe event was put aside.');
  for (const event of events) say(toLine(event));
};

await runCommand({ run: list, failure: 'Listing the events failed', close: db.close });
