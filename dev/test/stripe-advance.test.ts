import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARD, clientOf, openSession, submit } from '../stripe/test/journey.ts';
import { startStripe } from '../stripe/test/stand-in.ts';
import type { StripeStandIn } from '../stripe/test/stand-in.ts';
import { freePort } from '../src/ports.ts';
import { createDataDir } from './support/launcher.ts';

const root = new URL('../../', import.meta.url).pathname;

describe('npm run stripe:advance', () => {
  const dataDir = createDataDir();
  let standIn: StripeStandIn;
  beforeAll(async () => {
    standIn = await startStripe();
  });
  afterAll(() => standIn.stop());

  const advance = (env: Record<string, string>, ...args: string[]) =>
    promisify(execFile)('npm', ['run', '-s', 'stripe:advance', '--', ...args], {
      cwd: root,
      env: { PATH: process.env.PATH, SENTRYAGENT_DATA_DIR: dataDir, ...env },
    });

  it('The Stripe stand-in is advanced by command', async () => {
    const stripe = clientOf(standIn);
    const session = await openSession(stripe, { customer_email: 'a@example.com' });
    await submit(session.url!, CARD);
    const { customer } = await stripe.checkout.sessions.retrieve(session.id);
    const { stdout } = await advance({ STRIPE_PORT: String(standIn.port) }, '--days', '32');
    const day = new Date(Date.now() + 32 * 86_400_000).toISOString().slice(0, 10);
    expect(stdout).toContain(`Stripe's time is now ${day}`);
    expect(stdout).toMatch(new RegExp(`  invoice.paid +in_\\w+  ${String(customer)}\n`));
    const { data } = await stripe.invoices.list({ customer: String(customer) });
    expect(data.map(({ status }) => status)).toEqual(['paid', 'paid']);
    // Without settings, it takes the address of the last start.
    writeFileSync(join(dataDir, 'demo.json'), JSON.stringify({ stripeUrl: standIn.url }));
    const again = await advance({}, '--hours', '1');
    expect(again.stdout).toMatch(/  test_helpers.test_clock.ready +clock_\w+\n/);
  });

  it.each([
    ['no stand-in runs', 1, 'Run npm start first', async () => ({ STRIPE_PORT: String(await freePort()) })],
    ['Stripe itself is used', 1, 'dashboard', async () => ({ STRIPE_SECRET_KEY: 'sk_test_x' })],
  ])('An advance is refused with a reason: %s', async (_when, code, words, env) => {
    const refused = advance(await env(), '--days', '25');
    await expect(refused).rejects.toMatchObject({ code, stdout: '', stderr: expect.stringContaining(words) });
  });

  it.each([
    [[]],
    [['--days', '0']],
    [['--days', 'x']],
    [['--days', '1', '--hours', '1']],
    [['--years', '1']],
  ])('says how it is used: %j', async (args) => {
    await expect(advance({}, ...args)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Usage/),
    });
  });
});
