import { invalid } from './errors.ts';

/** Fields that Stripe returns only if they are expanded. */
const ASKED_FOR: Record<string, string[]> = {
  'checkout.session': ['line_items'],
  invoice: ['payments'],
};

interface Listed {
  object: string;
  data?: object[];
}

/** The object in the response. Expandable fields are included only if requested. */
export const presented = (object: object, asked: string[] = []): object => {
  const { object: type, data } = object as Listed;
  if (type === 'list' && data) {
    const inner = asked.map((path) => path.replace(/^data\./, ''));
    return { ...object, data: data.map((item) => presented(item, inner)) };
  }
  const hidden = (ASKED_FOR[type] ?? []).filter((name) => !asked.includes(name));
  return Object.fromEntries(Object.entries(object).filter(([name]) => !hidden.includes(name)));
};

const EXPANDABLE = new Set(Object.values(ASKED_FOR).flat());

/** Ids are never expanded to objects here. Request the object itself. */
export const checkExpand = (paths: string[]): void => {
  const other = paths.find((path) => !EXPANDABLE.has(path.replace(/^data\./, '')));
  if (other !== undefined) {
    throw invalid(`This property cannot be expanded (${other}) in the local stand-in for Stripe.`, {
      param: 'expand',
    });
  }
};
