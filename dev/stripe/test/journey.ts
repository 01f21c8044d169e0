import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Stripe from 'stripe';
import type { StripeStandIn } from './stand-in.ts';

export const clientOf = ({ port }: Pick<StripeStandIn, 'port'>, key = 'sk_test_x'): Stripe =>
  new Stripe(key, { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });

/** What a person types. */
export const CARD = {
  cardNumber: '4242 4242 4242 4242',
  expiry: '12 / 40',
  cvc: '123',
  name: 'Ada Lovelace',
};

/** A bank debit that pays after four days. */
export const ACCOUNT = {
  by: 'bank',
  routingNumber: '110000000',
  accountNumber: '000123456789',
  holder: 'Ada Lovelace',
};

const SUCCESS_URL = 'http://localhost:3001/usage?checkout={CHECKOUT_SESSION_ID}';
export const CANCEL_URL = 'http://localhost:3001/usage';

type SessionParams = Partial<Stripe.Checkout.SessionCreateParams>;

let keys = 0;

export const createPrice = async (stripe: Stripe): Promise<Stripe.Price> => {
  const product = await stripe.products.create({ name: 'SentryAgent Paid' });
  return stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 4_900,
    recurring: { interval: 'month' },
    lookup_key: `paid_${++keys}`,
  });
};

/** A session for one subscription, with a product of its own. */
export const openSession = async (
  stripe: Stripe,
  params: SessionParams = {},
  options?: Stripe.RequestOptions,
): Promise<Stripe.Checkout.Session> => {
  const price = await createPrice(stripe);
  const line_items = [{ price: price.id, quantity: 1 }];
  const urls = { success_url: SUCCESS_URL, cancel_url: CANCEL_URL };
  return stripe.checkout.sessions.create({ mode: 'subscription', line_items, ...urls, ...params }, options);
};

export const submit = (url: string, form: Record<string, string>): Promise<Response> =>
  fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });

/** A customer who has paid. */
export const subscribe = async (stripe: Stripe, params: SessionParams = {}) => {
  const customer = await stripe.customers.create({ email: 'ada@example.com' });
  const session = await openSession(stripe, { customer: customer.id, ...params });
  await submit(session.url!, CARD);
  const paid = await stripe.checkout.sessions.retrieve(session.id);
  return { customer, session: paid, subscriptionId: paid.subscription as string };
};

/** The error that a call ends with. */
export const errorOf = async (
  call: Promise<unknown>,
): Promise<InstanceType<typeof Stripe.errors.StripeError>> => {
  const result: unknown = await call.catch((error: unknown) => error);
  if (result instanceof Stripe.errors.StripeError) return result;
  throw new Error(`not refused: ${JSON.stringify(result)}`);
};

export const eventually = async (check: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + 30_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await wait(20);
  }
};

export interface Received {
  body: string;
  signature: string;
  event: Stripe.Event;
}

/** A server that is sent webhooks. */
export interface Receiver {
  url: string;
  got: Received[];
  types(): string[];
  /** What it answers from now on. */
  answer(status: number): void;
  close(): Promise<void>;
}

export const startReceiver = async (): Promise<Receiver> => {
  const got: Received[] = [];
  let status = 200;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const signature = String(request.headers['stripe-signature']);
    got.push({ body, signature, event: JSON.parse(body) as Stripe.Event });
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/billing/webhook`,
    got,
    types: () => got.map(({ event }) => event.type),
    answer: (next) => {
      status = next;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Advances a test clock, and waits until it is ready. */
export const advanceTo = async (stripe: Stripe, clock: string, frozenTime: number): Promise<void> => {
  const { testClocks } = stripe.testHelpers;
  await testClocks.advance(clock, { frozen_time: frozenTime });
  await eventually(async () => (await testClocks.retrieve(clock)).status === 'ready', `${clock} is ready`);
};
