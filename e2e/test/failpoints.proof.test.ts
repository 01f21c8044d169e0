import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../dev/test/support/until.ts';
import { failpointsOf, phases, type Phase } from '../../workers/test/support/failpoints.ts';
import { expectAsAtStripe } from './support/as-at-stripe.ts';
import { atStripe } from './support/charges.ts';
import { ACCOUNTS, openCheckout, payByBank, payByHttp } from './support/checkout-page.ts';
import { insist } from './support/insist.ts';
import { createKills, supervise } from './support/kills.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startSellingStack } from './support/stack.ts';
import type { SellingStack } from './support/stack.ts';
import { runsOf } from './support/runs.ts';

/** A killed activity is tried again after 15 s, and others are killed meanwhile. */
const PATIENCE_MS = 300_000;

const kills = createKills();
let stack: SellingStack;
let worker: ReturnType<typeof supervise>;
beforeAll(async () => {
  stack = await startSellingStack({ RATE_LIMIT_MAX_REQUESTS: '1000000', ...kills.environment });
  worker = supervise(stack.billing.worker);
});
afterAll(async () => {
  await stack.close();
  await worker.done;
  kills.remove();
});

const wait = (what: string, isSo: () => Promise<boolean> | boolean) => until(what, isSo, PATIENCE_MS);

const checkoutBecomes = ({ api }: SignedUp, checkoutId: string, status: string) =>
  wait(`the checkout is ${status}`, async () => (await api.billing.checkout(checkoutId)).status === status);

/** What a person does, or what happens to it, in the phases that no clock brings about. */
const acts = {
  left: async (person) => {
    const { checkoutId } = await openCheckout(person, PATIENCE_MS);
    await stack.billing.temporalCli([
      'workflow',
      'cancel',
      '-w',
      `checkout/${person.tenantId}/${checkoutId}`,
    ]);
    await checkoutBecomes(person, checkoutId, 'expired');
  },
  returned: async (person) => {
    const { checkoutId, url } = await openCheckout(person, PATIENCE_MS);
    await payByBank(url, ACCOUNTS.returned);
    await checkoutBecomes(person, checkoutId, 'processing');
    const { invoices } = await atStripe(stack, person);
    await stack.billing.dev(`/invoices/${invoices[0]!.id}/settle?outcome=fail`, { method: 'POST' });
    await checkoutBecomes(person, checkoutId, 'failed');
  },
  bought: async (person) => {
    const { checkoutId, url } = await openCheckout(person, PATIENCE_MS);
    await payByHttp(url);
    await wait('the tenant is paid', async () => (await person.api.billing.usage()).tier === 'paid');
    await checkoutBecomes(person, checkoutId, 'completed');
  },
  cancelled: async ({ api }) => {
    expect(await insist(api.billing.cancel, PATIENCE_MS)).toMatchObject({ tier: 'paid', isCancelling: true });
  },
  resumed: async ({ api }) => {
    expect(await insist(api.billing.resume, PATIENCE_MS)).toMatchObject({
      tier: 'paid',
      isCancelling: false,
    });
  },
} satisfies Partial<Record<Phase, (person: SignedUp) => Promise<void>>>;

/** The worker is killed once in this phase, at this person's point of it, if there is one. */
const live = async (
  phase: Phase,
  { person, place }: { person: SignedUp; place: number },
  act: (person: SignedUp) => Promise<void>,
): Promise<void> => {
  const point = failpointsOf(phase)[place];
  if (point) kills.arm(person.tenantId, point);
  await act(person);
  if (point) await wait(`${phase}: killed ${point}`, () => !kills.isArmed(person.tenantId));
};

const countsOf = async (text: string, { tenantId }: SignedUp): Promise<Record<string, number>> => {
  const rows = await stack.sql(text, [tenantId]);
  return Object.fromEntries(rows.map(({ name, count }) => [name, Number(count)]));
};

const mailsOf = (person: SignedUp) =>
  countsOf(
    `select kind as name, count(*) from mails where tenant_id = $1 and kind <> 'email_verification' group by kind`,
    person,
  );

const changesOf = (person: SignedUp) =>
  countsOf(
    `select action as name, count(*) from audit_events where tenant_id = $1 and action in
       ('subscription.cancellation_requested', 'subscription.resumed', 'subscription.grace_extended')
     group by action`,
    person,
  );

/** Charged so often, shown as it is at Stripe, and nothing runs or waits but what lasts as long as the subscription. */
const expectSound = async (person: SignedUp, charges: number): Promise<void> => {
  await wait('our row is as Stripe is', () => expectAsAtStripe(stack, person).then(() => true));
  const { sessions, subscriptions, invoices } = await atStripe(stack, person);
  expect(new Set(sessions.map((session) => session.client_reference_id)).size).toBe(sessions.length);
  const isOver = ({ status }: { status: string }) => status.startsWith('incomplete') || status === 'canceled';
  expect(subscriptions.filter((one) => !isOver(one))).toHaveLength(Math.min(1, charges));
  expect(invoices.filter(({ amount_paid: paid }) => paid > 0)).toMatchObject(
    Array.from({ length: charges }, () => ({ status: 'paid', amount_paid: 4_900 })),
  );
};

const expectNothingStuck = (person: SignedUp): Promise<void> =>
  wait('only the subscription and its reminder run, and both wait', async () => {
    const runs = await runsOf(stack, person);
    const types = runs.map(({ type }) => type).toSorted();
    return (
      runs.every(({ isWaiting }) => isWaiting) &&
      ['subscription', 'renewalReminder,subscription'].includes(types.join())
    );
  });

const advance = (days: number) => stack.billing.dev(`/advance?days=${days}`, { method: 'POST' });

it('A kill at any step charges once', { timeout: 1_800_000 }, async () => {
  const started = Date.now();
  const lives: { person: SignedUp; place: number }[] = [];
  const most = Math.max(...phases.map((phase) => failpointsOf(phase).length));
  for (let place = 0; place < most; place++) lives.push({ person: await signUpByHttp(stack), place });
  const all = (act: (life: (typeof lives)[number]) => Promise<void>) => Promise.all(lives.map(act));
  const say = (what: string): void =>
    console.log(`${what}: ${worker.kills()} kills, ${Math.round((Date.now() - started) / 1_000)} s`);

  await all(async (life) => {
    for (const phase of ['left', 'returned', 'bought', 'cancelled', 'resumed'] as const) {
      await live(phase, life, acts[phase]);
      await expectSound(life.person, Number(!['left', 'returned'].includes(phase)));
    }
    await expectNothingStuck(life.person);
  });
  say('resumed');
  const [first, before] = [{ paid_welcome: 1, subscription_cancelled: 1 }, { charge_reminder: 1 }];
  await all(({ person }) => mailsOf(person).then((mails) => expect(mails).toEqual(first)));

  const moved = async (
    phase: Phase,
    move: () => Promise<unknown>,
    act: (person: SignedUp) => Promise<void>,
  ) => {
    const begun = Promise.withResolvers<unknown>();
    const ends = all((life) => live(phase, life, (person) => begun.promise.then(() => act(person))));
    begun.resolve(await move());
    await ends;
    await all(({ person }) => expectNothingStuck(person));
    say(phase);
  };
  await moved(
    'reminded',
    () => advance(25),
    (person) => wait('the owner is reminded', async () => 'charge_reminder' in (await mailsOf(person))),
  );
  await all(({ person }) => expectSound(person, 1));
  await all(({ person }) => mailsOf(person).then((mails) => expect(mails).toEqual({ ...first, ...before })));

  await moved(
    'renewed',
    () => advance(8),
    (person) => expectSound(person, 2),
  );

  const failAndAdvance = async () => {
    for (const { person } of lives) {
      const { customer } = await atStripe(stack, person);
      await stack.billing.dev(`/customers/${customer}/fail-next-payment`, { method: 'POST' });
    }
    await advance(29);
  };
  await moved('extended', failAndAdvance, async (person) => {
    const { api, tenantId } = person;
    await wait('past due', async () => (await api.billing.subscription()).status === 'past_due');
    const { graceEndsAt } = await api.billing.subscription();
    const until = new Date(Date.parse(graceEndsAt!) + 10 * 86_400_000).toISOString();
    const command = [
      'workflow',
      'update',
      'execute',
      '-w',
      `subscription/${tenantId}`,
      '--name',
      'extendGrace',
    ];
    const input = ['--update-id', 'once', '--input', JSON.stringify({ until })];
    await wait('grace is extended', () => stack.billing.temporalCli([...command, ...input]).then(() => true));
    expect(await api.billing.subscription()).toMatchObject({ tier: 'paid', graceEndsAt: until });
    await expectSound(person, 2);
  });
  for (const { person } of lives) {
    expect(await mailsOf(person)).toEqual({ ...first, ...before, payment_failed: 1 });
    expect(await changesOf(person)).toEqual({
      'subscription.cancellation_requested': 1,
      'subscription.resumed': 1,
      'subscription.grace_extended': 1,
    });
  }
  const points = phases.flatMap(failpointsOf).length;
  expect(worker.kills()).toBe(points);
  console.log(`${lives.length} tenants, ${points} failpoints: ${2 * lives.length} charges, as many intents`);
});
