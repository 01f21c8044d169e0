/** What the bank does. `debits` and `debit_fails` take days. */
export type Behaviour = 'pays' | 'declines' | 'authenticates' | 'debits' | 'debit_fails';

/** What the stand-in keeps of a card or an account. */
export type Instrument = { behaviour: Behaviour; last4: string } & (
  { type: 'card'; brand: string; expMonth: number; expYear: number } | { type: 'us_bank_account' }
);

export interface Address {
  city: string | null;
  country: string | null;
  line1: string | null;
  line2: string | null;
  postal_code: string | null;
  state: string | null;
}

/** Who pays, as typed on a page. */
export interface Payer {
  email: string;
  name: string;
  instrument: Instrument;
  address?: Address | undefined;
  businessName?: string | undefined;
  taxId?: string | undefined;
}
