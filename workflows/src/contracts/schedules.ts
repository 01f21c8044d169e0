import { names } from './names.ts';

export interface Schedule {
  scheduleId: string;
  workflow: string;
  /** UTC. Missing: hourly. */
  hour?: number;
  note: string;
}

/** Temporal schedules. The API creates or updates them when it starts. The workers only run them. */
export const schedules: readonly Schedule[] = [
  {
    scheduleId: 'daily-quota-reset',
    workflow: names.dailyQuotaReset,
    hour: 0,
    note: 'Settles the usage of every day that has ended.',
  },
  {
    scheduleId: 'credential-expiry',
    workflow: names.credentialExpiry,
    hour: 6,
    note: 'Mails owners 30, 7 and 1 days before credentials expire.',
  },
  {
    scheduleId: 'key-rotation',
    workflow: names.keyRotation,
    hour: 3,
    note: 'Moves each signing key to its next stage if that is due.',
  },
  {
    scheduleId: 'housekeeping',
    workflow: names.housekeeping,
    hour: 4,
    note: 'Deletes expired rows.',
  },
  {
    scheduleId: 'stripe-reconcile',
    workflow: names.stripeReconcile,
    note: 'Compares Stripe with our rows and nudges the tenants that differ.',
  },
];
