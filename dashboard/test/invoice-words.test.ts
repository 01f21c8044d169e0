import type { Invoice } from '@sentryagent/sdk';
import { describe, expect, it } from 'vitest';
import { brandWords, cardlessWords, expiryWarning, expiryWords } from '../src/lib/billing/card-words.ts';
import { amountWords, marksOf, usageWords } from '../src/lib/billing/invoice-words.ts';

const invoiceOf = (changes: Partial<Invoice>): Invoice => ({
  invoiceId: 'in_1',
  number: 'A-0001',
  status: 'paid',
  amountDue: 4_900,
  amountPaid: 4_900,
  amountRefunded: 0,
  isDisputed: false,
  currency: 'usd',
  createdAt: '2026-11-22T09:30:00Z',
  periodStart: '2026-11-22T09:30:00Z',
  periodEnd: '2026-12-22T09:30:00Z',
  pageUrl: null,
  pdfUrl: null,
  usage: { api_calls: 1_204, token_issuances: 1 },
  ...changes,
});

describe('an invoice', () => {
  it.each([
    [{}, ['Paid'], '$49'],
    [{ status: 'draft', amountPaid: 0 }, ['Draft'], '$49'],
    [{ status: 'open', amountPaid: 0 }, ['Open'], '$49'],
    [{ status: 'uncollectible', amountPaid: 0 }, ['Not paid'], '$49'],
    [{ status: 'void', amountPaid: 0 }, ['Void'], '$49'],
    [{ amountRefunded: 1_050 }, ['Paid', '$10.50 refunded'], '$49'],
    [{ amountRefunded: 4_900 }, ['Paid', 'Refunded'], '$49'],
    [{ isDisputed: true }, ['Paid', 'Disputed'], '$49'],
    [{ amountDue: 0, amountPaid: 0 }, ['Paid'], '$0'],
    [{ currency: 'jpy' }, ['Paid'], '¥4,900'],
  ] as [Partial<Invoice>, string[], string][])('%j reads %j', (changes, marks, amount) => {
    const invoice = invoiceOf(changes);
    expect([marksOf(invoice).map(({ name }) => name), amountWords(invoice)]).toEqual([marks, amount]);
  });

  it('has the usage of its period', () => {
    expect(usageWords(invoiceOf({}))).toBe('1,204 API calls, 1 token');
  });
});

describe('a card', () => {
  it.each([
    ['visa', 'Visa'],
    ['amex', 'American Express'],
    ['cartes_bancaires', 'Cartes bancaires'],
    ['', ''],
  ])('of the brand %s is called %s', (brand, name) => {
    expect(brandWords(brand)).toBe(name);
  });

  it('is valid until the end of its month', () => {
    const card = { expMonth: 1, expYear: 2027 };
    expect(expiryWords(card)).toBe('01 / 2027');
    expect(expiryWarning(card, '2026-12-02T23:59:59.999Z')).toBeNull();
    expect(expiryWarning(card, '2026-12-03T00:00:00.000Z')).toBe('Expires soon');
    expect(expiryWarning(card, '2027-01-31T23:59:59.999Z')).toBe('Expires soon');
    expect(expiryWarning(card, '2027-02-01T00:00:00.000Z')).toBe('Expired');
    expect(expiryWarning({ expMonth: 12, expYear: 2026 }, '2026-12-31T23:59:59Z')).toBe('Expires soon');
    expect(expiryWarning({ expMonth: 12, expYear: 2026 }, '2027-01-01T00:00:00Z')).toBe('Expired');
  });
});

it('A payer without a card is not told that nothing is charged', () => {
  const nextCharge = { amount: 4_900, currency: 'usd', at: '2026-12-22T09:30:00Z' };
  expect(cardlessWords({ hasPortal: true, nextCharge })).toBe(
    'You do not pay by card. Stripe’s portal shows how you pay.',
  );
  expect(cardlessWords({ hasPortal: true, nextCharge: null })).toBe('No card is charged.');
  expect(cardlessWords({ hasPortal: false, nextCharge: null })).toMatch(/^No card yet\./);
});
