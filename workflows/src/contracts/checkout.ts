import type { CheckoutEnd, SessionStatus } from '../rules/checkout.ts';

export const checkoutWorkflowId = (tenantId: string, checkoutId: string): string =>
  `checkout/${tenantId}/${checkoutId}`;

/** The `type` of an ApplicationFailure that fails `open`. */
export const failures = {
  /** Stripe has a live subscription of this tenant. */
  alreadySubscribed: 'already_subscribed',
  /** The payment of another session settles later. */
  paymentProcessing: 'payment_processing',
  /** Stripe rejected the request, or did not respond in time. */
  sessionRefused: 'session_refused',
} as const;

export interface CheckoutInput {
  tenantId: string;
  checkoutId: string;
}

export interface CheckoutRun extends CheckoutInput {
  /** The session that the previous run opened. */
  session?: OpenedSession;
}

export interface OpenedCheckout {
  /** The Stripe Checkout page. */
  url: string;
}

export interface CheckoutState {
  status: 'opening' | 'open' | 'processing' | CheckoutEnd;
  sessionId: string | null;
  expiresAt: string | null;
}

export interface OpenedSession {
  sessionId: string;
  url: string;
  /** ISO 8601, from Stripe. */
  expiresAt: string;
}

export interface CheckoutActivities {
  openCheckoutSession(input: CheckoutInput & { expiresAt: string }): Promise<OpenedSession>;
  readCheckoutSession(input: { sessionId: string }): Promise<SessionStatus>;
  /** Expires the session if it is still open. Returns its status after that. */
  expireCheckoutSession(input: { sessionId: string }): Promise<SessionStatus>;
  /** Shows that the payment settles later. The tenant cannot start another checkout meanwhile. */
  showProcessing(input: CheckoutInput): Promise<void>;
  closeCheckout(input: CheckoutInput & { status: CheckoutEnd }): Promise<void>;
  /** Starts `subscription`, or signals the run that exists. */
  startSubscription(input: { tenantId: string }): Promise<void>;
}
