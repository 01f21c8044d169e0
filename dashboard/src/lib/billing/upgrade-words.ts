/** Why an upgrade was not begun and what to do next, by the API's code; for others its own words do. */
export const upgradeWords = {
  already_subscribed:
    'Your tenant already has a subscription. You were not charged again. Reload this page in a minute to see the plan.',
  billing_disabled: 'The Paid plan is not available on this server. Contact its administrator.',
  service_unavailable: 'The checkout could not be opened. You were not charged. Try again in a moment.',
} as const;

/** The API led to a page that is not Stripe's. */
export const foreignCheckout =
  'The checkout was not opened, because its URL is not a Stripe URL. You were not charged. Contact the administrator of this server.';
