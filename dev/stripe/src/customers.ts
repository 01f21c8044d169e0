import { timeOf } from './clocks.ts';
import { newId } from './ids.ts';
import { nulls } from './wire.ts';
import type { Address } from './payer.ts';
import type { Stand } from './stand.ts';
import { find } from './state.ts';
import type { Cause, Customer } from './wire.ts';

type Given = Partial<
  Pick<Customer, 'email' | 'name' | 'description' | 'phone' | 'metadata' | 'test_clock'>
> & {
  address?: Address | undefined;
};

/** If `customer` is given, it must exist in this account. This applies to lists too. */
export const checkCustomer = ({ state }: Stand, id: string | undefined): void => {
  if (id !== undefined) find(state.customers, id, 'customer', 'customer');
};

/** A customer, created by a request or by the checkout page. */
export const createCustomer = (stand: Stand, cause: Cause, given: Given): Customer => {
  const customer: Customer = {
    id: newId('cus_', 14),
    object: 'customer',
    ...nulls('currency', 'default_source', 'discount', 'shipping'),
    address: given.address ?? null,
    balance: 0,
    created: timeOf(stand, { test_clock: given.test_clock ?? null }),
    delinquent: false,
    description: given.description ?? null,
    email: given.email ?? null,
    invoice_prefix: newId('', 8).toUpperCase(),
    invoice_settings: nulls('custom_fields', 'default_payment_method', 'footer', 'rendering_options'),
    livemode: false,
    metadata: given.metadata ?? {},
    name: given.name ?? null,
    next_invoice_sequence: 1,
    phone: given.phone ?? null,
    preferred_locales: [],
    tax_exempt: 'none',
    test_clock: given.test_clock ?? stand.state.shared.clock,
  };
  stand.state.customers[customer.id] = customer;
  stand.emit(cause, 'customer.created', customer);
  return customer;
};
