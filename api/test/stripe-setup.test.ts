import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tiers } from '@sentryagent/workflows/rules/tiers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStripe } from '../../dev/stripe/test/stand-in.ts';
import type { StripeStandIn } from '../../dev/stripe/test/stand-in.ts';
import { createStripe } from '../src/platform/stripe.ts';
import type { Stripe } from '../src/platform/stripe.ts';
import { setUpStripe } from '../src/services/billing/set-up/set-up-stripe.ts';
import type { StripeSetup } from '../src/services/billing/set-up/setup.ts';
import { bareEnvironment } from '../../dev/test/support/bare-environment.ts';

const price = tiers.paid.price!;
const KEY = 'sk_test_canary';

let standIn: StripeStandIn;
let stripe: Stripe;
let secrets: string[];
beforeEach(async () => {
  standIn = await startStripe();
  stripe = createStripe({ STRIPE_SECRET_KEY: KEY, STRIPE_API_URL: standIn.url });
  secrets = [];
});
afterEach(async () => {
  const violations = await standIn.dev('/violations');
  await standIn.stop();
  expect(violations).toEqual([]);
});

const setUp = async (given: Partial<StripeSetup> = {}) => {
  const steps = await setUpStripe(stripe, {
    price,
    publicUrl: 'http://localhost:3000',
    dashboardUrl: 'http://localhost:3001',
    stripeApiUrl: standIn.url,
    secretIsKnown: secrets.length > 0,
    keepSecret: (secret) => void secrets.push(secret),
    ...given,
  });
  return steps.map(({ done }) => done);
};

const endpoints = async () => (await stripe.webhookEndpoints.list()).data;

describe('setUpStripe', () => {
  it('makes what there is not, and the second time nothing', async () => {
    expect(await setUp()).toEqual(['created', 'created', 'created', 'created']);
    expect(await setUp()).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged']);
    expect(secrets).toEqual([expect.stringMatching(/^whsec_/)]);
    const [found] = (await stripe.prices.list({ lookup_keys: [price.lookupKey], active: true })).data;
    expect(found).toMatchObject({
      unit_amount: price.amount,
      currency: price.currency,
      recurring: { interval: price.interval },
    });
    expect(await stripe.products.retrieve(String(found!.product))).toMatchObject({
      name: 'SentryAgent Paid',
    });
    const [portal] = (await stripe.billingPortal.configurations.list()).data;
    expect(portal).toMatchObject({
      default_return_url: 'http://localhost:3001/billing',
      features: {
        customer_update: { enabled: true, allowed_updates: ['address', 'tax_id'] },
        invoice_history: { enabled: true },
        payment_method_update: { enabled: true },
        subscription_cancel: { enabled: true, mode: 'at_period_end' },
      },
    });
    const [endpoint] = await endpoints();
    expect(endpoint!.url).toBe('http://localhost:3000/billing/webhook');
    expect(endpoint!.enabled_events).toContain('customer.subscription.paused');
    expect(endpoint!.enabled_events).toHaveLength(19);
  });

  it('an amount that changed gets a new price, which takes over the lookup key', async () => {
    await setUp();
    const [old] = (await stripe.prices.list({ lookup_keys: [price.lookupKey] })).data;
    const dearer = { ...price, amount: price.amount + 100 };
    expect(await setUp({ price: dearer })).toEqual(['unchanged', 'changed', 'unchanged', 'unchanged']);
    expect(await setUp({ price: dearer })).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged']);
    const { data } = await stripe.prices.list({ lookup_keys: [price.lookupKey] });
    expect(data).toMatchObject([{ unit_amount: dearer.amount, product: old!.product }]);
    expect(await stripe.prices.retrieve(old!.id)).toMatchObject({ active: true, lookup_key: null });
  });

  it('a dashboard that moved and a name that was changed are put right', async () => {
    await setUp();
    const [product] = (await stripe.products.list()).data;
    await stripe.products.update(product!.id, { name: 'Another' });
    const moved = { dashboardUrl: 'http://localhost:4001' };
    expect(await setUp(moved)).toEqual(['changed', 'unchanged', 'changed', 'unchanged']);
    const { data } = await stripe.billingPortal.configurations.list();
    expect(data).toMatchObject([{ default_return_url: 'http://localhost:4001/billing' }]);
  });

  it('an endpoint that was turned off or wants other events is put right', async () => {
    await setUp();
    const [endpoint] = await endpoints();
    await stripe.webhookEndpoints.update(endpoint!.id, { disabled: true, enabled_events: ['invoice.paid'] });
    expect(await setUp()).toEqual(['unchanged', 'unchanged', 'unchanged', 'changed']);
    const [mended] = await endpoints();
    expect([mended!.id, mended!.status, mended!.enabled_events.length]).toEqual([
      endpoint!.id,
      'enabled',
      19,
    ]);
  });

  it('a secret that was lost costs a new endpoint, and the old one goes last', async () => {
    await setUp();
    const [old] = await endpoints();
    const failing = setUp({
      secretIsKnown: false,
      keepSecret: () => {
        throw new Error('the disk is full');
      },
    });
    await expect(failing).rejects.toThrow('the disk is full');
    expect((await endpoints()).map(({ id }) => id)).toContain(old!.id);
    expect(await setUp({ secretIsKnown: false })).toEqual(['unchanged', 'unchanged', 'unchanged', 'changed']);
    const left = await endpoints();
    expect(left).toHaveLength(1);
    expect(left[0]!.id).not.toBe(old!.id);
    expect(new Set(secrets).size).toBe(2);
  });

  it.each([
    ['http://localhost:3000', undefined],
    ['https://localhost:3000', undefined],
    ['http://api.example.com', undefined],
    ['https://127.0.0.1', undefined],
  ])('no endpoint at %s, which Stripe cannot reach', async (publicUrl, stripeApiUrl) => {
    expect((await setUp({ publicUrl, stripeApiUrl })).at(-1)).toBe('not created');
    expect([secrets, await endpoints()]).toEqual([[], []]);
  });

  it('an endpoint at a public address', async () => {
    const reachable = { publicUrl: 'https://api.example.com', stripeApiUrl: undefined };
    expect((await setUp(reachable)).at(-1)).toBe('created');
    expect((await endpoints())[0]!.url).toBe('https://api.example.com/billing/webhook');
  });
});

describe('npm run stripe:setup', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'stripe-setup-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  const root = fileURLToPath(new URL('../../', import.meta.url));
  const main = join(root, 'api/src/stripe-setup/main.ts');

  const run = (env: Record<string, string>, ...args: string[]) =>
    new Promise<{ code: number; text: string }>((resolve) => {
      const whole = { ...bareEnvironment, STRIPE_API_URL: standIn.url, STRIPE_SECRET_KEY: KEY, ...env };
      execFile(process.execPath, [main, ...args], { env: whole }, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), text: stdout + stderr });
      });
    });

  it('Its documented settings are enough', async () => {
    const guide = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8');
    const [, command] = /`((?:\w+=… )+npm run stripe:setup)`/.exec(guide)!;
    const values: Record<string, string> = {
      STRIPE_SECRET_KEY: KEY,
      PUBLIC_URL: 'https://api.example.com',
      DASHBOARD_URL: 'https://app.example.com',
    };
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-c', command!.replaceAll(/(\w+)=…/g, (_, name: string) => `${name}=${values[name]}`)],
      { cwd: root, env: { ...bareEnvironment, STRIPE_API_URL: standIn.url } },
    );
    expect(stdout.match(/: created \(/g)).toHaveLength(4);
    expect((await endpoints())[0]!.url).toBe('https://api.example.com/billing/webhook');
  });

  it('tells a line for each thing, and the secret once', async () => {
    const first = await run({});
    expect(first.code).toBe(0);
    expect(first.text.match(/: created \(/g)).toHaveLength(4);
    const [, secret] = /^STRIPE_WEBHOOK_SECRETS=(whsec_\w+)$/m.exec(first.text)!;
    const second = await run({ STRIPE_WEBHOOK_SECRETS: secret! });
    expect(second.text.match(/: unchanged \(/g)).toHaveLength(4);
    expect(second.text).not.toContain('whsec_');
    expect(first.text + second.text).not.toContain('canary');
  });

  it('writes the secret to a file of its owner instead, beside what is there', async () => {
    const file = join(folder, 'secrets.env');
    writeFileSync(file, '# mine\nAUTH_SECRET=a=b\nSTRIPE_WEBHOOK_SECRETS=\n', { mode: 0o644 });
    const first = await run({}, '--secrets-file', file);
    expect([first.code, first.text]).toEqual([0, expect.not.stringContaining('whsec_')]);
    expect(readFileSync(file, 'utf8')).toMatch(
      /^# mine\nAUTH_SECRET=a=b\nSTRIPE_WEBHOOK_SECRETS=whsec_\w+\n$/,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const second = await run({}, '--secrets-file', file);
    expect(second.text.match(/: unchanged \(/g)).toHaveLength(4);
  });

  it('says in a word what Stripe refuses', async () => {
    await standIn.dev('/faults', {
      method: 'POST',
      body: JSON.stringify({ failNext: { method: 'POST', path: '/v1/prices', count: 1, status: 500 } }),
    });
    expect(await run({})).toMatchObject({ code: 1, text: expect.stringMatching(/^Stripe setup failed: /m) });
  });

  it('a live key is never given to the stand-in', async () => {
    const { code, text } = await run({ STRIPE_SECRET_KEY: 'rk_live_canary' });
    expect(code).toBe(78);
    expect(text).toContain('STRIPE_API_URL cannot be used with a live STRIPE_SECRET_KEY');
    expect(text).not.toContain('canary');
    expect(await standIn.dev('/requests')).toEqual([]);
  });

  it('Every wrong setting is named at once', async () => {
    const { code, text } = await run({
      STRIPE_SECRET_KEY: '',
      STRIPE_API_URL: 'canary',
      PUBLIC_URL: 'http://canary/path',
      DASHBOARD_URL: 'canary',
      STRIPE_WEBHOOK_SECRETS: 'canary',
    });
    expect(code).toBe(78);
    for (const name of [
      'STRIPE_SECRET_KEY',
      'STRIPE_API_URL',
      'PUBLIC_URL',
      'DASHBOARD_URL',
      'STRIPE_WEBHOOK_SECRETS',
    ]) {
      expect(text).toContain(`  - ${name} `);
    }
    expect(text).not.toContain('canary');
    expect((await run({}, '--secret')).code).toBe(78);
  });
});
