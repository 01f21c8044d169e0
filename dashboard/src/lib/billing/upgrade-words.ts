/** Error codes → messages that replace the API's: why the upgrade has not started, and what to do next. */
export const upgradeWords = {
  already_subscribed:
    'Your tenant already has a subscription. You were not charged again. Reload this page in a minute. If it still does not show Paid, contact the administrator of this server.',
  billing_disabled: 'The Paid plan is not available on this server. Contact its administrator.',
  service_unavailable: 'The checkout could not be opened. You were not charged. Try again in a moment.',
} as const;

/** The API returned a URL that is not Stripe's. */
export const foreignCheckout =
  'The checkout was not opened, because its URL is not a Stripe URL. You were not charged. Contact the administrator of this server.';
