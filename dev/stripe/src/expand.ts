import { invalid } from './errors.ts';
import type { State } from './state.ts';

/** Fields that Stripe returns only if they are expanded. */
const ASKED_FOR: Record<string, string[]> = {
  'checkout.session': ['line_items'],
  invoice: ['payments'],
};

type Linked = 'customers' | 'invoices' | 'methods' | 'subscriptions';

/** Ids that can be expanded to their objects. */
const LINKS: Record<string, Record<string, Linked>> = {
  charge: { customer: 'customers' },
  'checkout.session': { customer: 'customers', invoice: 'invoices', subscription: 'subscriptions' },
  invoice: { customer: 'customers' },
  subscription: {
    customer: 'customers',
    default_payment_method: 'methods',
    latest_invoice: 'invoices',
  },
};

interface Listed {
  object: string;
  data?: object[];
}

const withoutData = (paths: string[]): string[] => paths.map((path) => path.replace(/^data\./, ''));

/** The object in the response. Expandable fields are included only if requested. */
export const presented = (object: object, asked: string[] = []): object => {
  const { object: type, data } = object as Listed;
  if (type === 'list' && data) {
    return { ...object, data: data.map((item) => presented(item, withoutData(asked))) };
  }
  const hidden = (ASKED_FOR[type] ?? []).filter((name) => !asked.includes(name));
  return Object.fromEntries(Object.entries(object).filter(([name]) => !hidden.includes(name)));
};

/** The response with the objects of the ids that were asked for. They are validated as answers of their own. */
export const expanded = (state: State, body: object, asked: string[]): object => {
  const { object: type, data } = body as Listed;
  if (type === 'list' && data) {
    return { ...body, data: data.map((item) => expanded(state, item, withoutData(asked))) };
  }
  const entries = Object.entries(body).map(([name, value]): [string, unknown] => {
    const inner = asked
      .filter((path) => path.startsWith(`${name}.`))
      .map((path) => path.slice(name.length + 1));
    const collection = LINKS[type]?.[name];
    const found = collection && typeof value === 'string' ? state[collection][value] : undefined;
    const isAsked = asked.includes(name) || inner.length > 0;
    return [name, found && isAsked ? expanded(state, presented(found, inner), inner) : value];
  });
  return Object.fromEntries(entries);
};

const EXPANDABLE = new Set([
  ...Object.values(ASKED_FOR).flat(),
  ...Object.values(LINKS).flatMap((fields) => Object.keys(fields)),
]);

/** Other ids are never expanded to objects here. Request the object itself. */
export const checkExpand = (paths: string[]): void => {
  const other = withoutData(paths).find((path) => path.split('.').some((name) => !EXPANDABLE.has(name)));
  if (other !== undefined) {
    throw invalid(`This property cannot be expanded (${other}) in the local stand-in for Stripe.`, {
      param: 'expand',
    });
  }
};
