export interface Config {
  /** Where this server reaches the API. */
  apiUrl: string;
  /** Where browsers and the curl lines shown reach the API. */
  publicApiUrl: string;
  /** Where browsers reach this server. */
  origin: string;
  /** Where Stripe's Checkout pages are: the one other origin that people are led to. */
  checkoutOrigin: string;
}

const names = ['API_URL', 'PUBLIC_API_URL', 'ORIGIN', 'CHECKOUT_ORIGIN'] as const;

const DEFAULT_CHECKOUT_ORIGIN = 'https://checkout.stripe.com';

export type Settings = Record<(typeof names)[number], string | undefined>;

/** An origin alone, because origins are compared byte by byte. */
const isOrigin = (text: string): boolean =>
  URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);

const judge = (name: string, value: string | undefined): string | undefined => {
  if (!value) return `${name} is missing: set it to an origin such as https://api.example.com`;
  if (isOrigin(value)) return undefined;
  return `${name} must be an http(s) origin without a path, such as https://api.example.com`;
};

/** Judges every setting at once; no value is repeated in a problem. The config holds only where there is none. */
export const parseConfig = (given: Settings): { config: Config; problems: string[] } => {
  const settings = { ...given, CHECKOUT_ORIGIN: given.CHECKOUT_ORIGIN || DEFAULT_CHECKOUT_ORIGIN };
  return {
    config: {
      apiUrl: settings.API_URL ?? '',
      publicApiUrl: settings.PUBLIC_API_URL ?? '',
      origin: settings.ORIGIN ?? '',
      checkoutOrigin: settings.CHECKOUT_ORIGIN,
    },
    problems: names.map((name) => judge(name, settings[name])).filter((problem) => problem !== undefined),
  };
};
