import { ApiError, type InvoicePage, type Subscription } from '@sentryagent/sdk';
import { redirect, type RequestEvent } from '@sveltejs/kit';
import { cancellationWords } from '#lib/billing/problem-words.ts';
import { apiFor } from './api.ts';
import { isTemporary, submit, toPage } from './failures.ts';
import { findTiers } from './find-tiers.ts';

const INVOICES_PER_PAGE = 10;

/** `null`: billing is off on this server. */
const findSubscription = async (event: RequestEvent): Promise<Subscription | null> => {
  try {
    return await apiFor(event).billing.subscription();
  } catch (failure) {
    if (failure instanceof ApiError && failure.code === 'billing_disabled') return null;
    throw failure;
  }
};

/** `null`: unavailable, because they are at Stripe. A cursor that the API refuses leads to the first page. */
const findInvoices = async (event: RequestEvent): Promise<InvoicePage | null> => {
  const cursor = event.url.searchParams.get('cursor');
  try {
    return await apiFor(event).billing.invoices({ limit: INVOICES_PER_PAGE, ...(cursor && { cursor }) });
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    if (failure.code === 'validation_failed' && cursor) redirect(303, '/billing');
    if (isTemporary(failure) || failure.code === 'billing_disabled') return null;
    throw failure;
  }
};

/** A tenant without a customer at Stripe has no invoices, so Stripe is not asked. */
export const loadBilling = async (event: RequestEvent) => {
  const [subscription, tiers] = await Promise.all([findSubscription(event), findTiers(event)]).catch(
    toPage(event),
  );
  const invoices = subscription?.hasPortal
    ? await findInvoices(event).catch(toPage(event))
    : { data: [], nextCursor: null };
  const done = event.url.searchParams.get('done');
  return { subscription, tiers, invoices, done, now: new Date().toISOString() };
};

export const cancel = (event: RequestEvent) =>
  submit(event, apiFor(event).billing.cancel(), '/billing?done=cancelled', { byCode: cancellationWords });

export const resume = (event: RequestEvent) =>
  submit(event, apiFor(event).billing.resume(), '/billing?done=resumed', { byCode: cancellationWords });
