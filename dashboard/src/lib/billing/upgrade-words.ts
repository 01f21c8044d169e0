/** Why an upgrade was not begun and what to do next, by the API's code; for others its own words do. */
export const upgradeWords = {
  already_subscribed: 'Your tenant pays already. If the plan does not say so yet, it will within a minute.',
  billing_disabled: 'Paid is not for sale here. Ask whoever runs this SentryAgent.',
  service_unavailable: 'The checkout could not be opened, and nothing was charged. Try again in a moment.',
} as const;

/** The API led to a page that is not Stripe's. */
export const foreignCheckout =
  'The checkout’s address is not Stripe’s, so it was not opened. Nothing was charged. Tell whoever runs this SentryAgent.';
