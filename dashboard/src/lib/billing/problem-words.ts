/** Error codes → messages that replace the API's: why the checkout has not opened, and what to do next. */
export const upgradeWords = {
  already_subscribed:
    'Your tenant already has a subscription. You were not charged again. To change the card or to pay an open invoice, select Manage billing.',
  payment_processing:
    'You have already confirmed a payment, and your bank is still settling it. You were not charged again. This can take a few days, and then your plan changes to Paid.',
  billing_disabled: 'The Paid plan is not available on this server. Contact its administrator.',
  service_unavailable: 'The checkout could not be opened. You were not charged. Try again in a moment.',
} as const;

/** Why the billing portal has not opened. */
export const portalWords = {
  not_subscribed:
    'Your tenant has never paid, so Stripe has no billing portal for it. Upgrade to Paid first.',
  service_unavailable:
    'Stripe’s billing portal could not be opened. Nothing has changed. Try again in a moment.',
} as const;

/** Why the subscription was not cancelled or resumed. */
export const cancellationWords = {
  not_subscribed: 'Your tenant has no subscription, or it has ended. You are not charged.',
  service_unavailable:
    'The change could not be confirmed, so it may still happen. Reload this page in a minute. You can safely try again.',
} as const;

/** The API returned a URL that is not Stripe's. */
export const foreignPage = {
  upgrade:
    'The checkout was not opened, because its URL is not a Stripe URL. You were not charged. Contact the administrator of this server.',
  portal:
    'The billing portal was not opened, because its URL is not a Stripe URL. Contact the administrator of this server.',
} as const;
