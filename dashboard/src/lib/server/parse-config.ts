export interface Config {
  /** The URL that this server uses for the API. */
  apiUrl: string;
  /** The URL that browsers and the printed curl commands use for the API. */
  publicApiUrl: string;
  /** The origin of this server in a browser. */
  origin: string;
  /** The origin of Stripe's Checkout pages. We redirect to no other origin than this one and the next. */
  checkoutOrigin: string;
  /** The origin of Stripe's billing portal. */
  portalOrigin: string;
}

const names = ['API_URL', 'PUBLIC_API_URL', 'ORIGIN', 'CHECKOUT_ORIGIN', 'PORTAL_ORIGIN'] as const;

const STRIPE = {
  CHECKOUT_ORIGIN: 'https://checkout.stripe.com',
  PORTAL_ORIGIN: 'https://billing.stripe.com',
};

export type Settings = Record<(typeof names)[number], string | undefined>;

/** No path or trailing slash, because origins are compared byte by byte. */
const isOrigin = (text: string): boolean =>
  URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);

const judge = (name: string, value: string | undefined): string | undefined => {
  if (!value) return `${name} is missing: set it to an origin such as https://api.example.com`;
  if (isOrigin(value)) return undefined;
  return `${name} must be an http(s) origin without a path, such as https://api.example.com`;
};

/** Checks all settings. Problems never contain a value. The config is valid only if there are no problems. */
export const parseConfig = (given: Settings): { config: Config; problems: string[] } => {
  const settings = {
    ...given,
    CHECKOUT_ORIGIN: given.CHECKOUT_ORIGIN || STRIPE.CHECKOUT_ORIGIN,
    PORTAL_ORIGIN: given.PORTAL_ORIGIN || STRIPE.PORTAL_ORIGIN,
  };
  return {
    config: {
      apiUrl: settings.API_URL ?? '',
      publicApiUrl: settings.PUBLIC_API_URL ?? '',
      origin: settings.ORIGIN ?? '',
      checkoutOrigin: settings.CHECKOUT_ORIGIN,
      portalOrigin: settings.PORTAL_ORIGIN,
    },
    problems: names.map((name) => judge(name, settings[name])).filter((problem) => problem !== undefined),
  };
};
