import { createDatabase } from '../platform/database.ts';
import { listQuarantined, type QuarantinedEvent } from '../services/billing/events/inbox.ts';
import { readConfig } from './config.ts';

const config = readConfig();
const db = createDatabase(config);

/** The newest ones. Older ones need no action. */
const MOST = 1_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

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

try {
  const events = await listQuarantined(db, MOST);
  if (config.json) say(JSON.stringify(events.map(toJson), null, 2));
  else if (events.length === 0) say('No event of Stripe was put aside.');
  else
    for (const event of events) {
      const { event_id: id, type, customer_id: customer, created_at: at } = event;
      say(`${at.toISOString()}  ${id}  ${type}  ${customer ?? 'no customer'}: ${whyOf(event)}`);
    }
} catch (error) {
  process.stderr.write(`Listing the events failed: ${(error as Error).message}\n`);
  process.exitCode = 1;
} finally {
  await db.close();
}
