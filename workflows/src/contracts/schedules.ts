import { names } from './names.ts';

/** What runs by the clock. The API creates or updates them when it starts; the workers only run them. */
export const schedules = [
  {
    scheduleId: 'credential-expiry',
    workflow: names.credentialExpiry,
    /** UTC. */
    hour: 6,
    note: 'Mails owners 30, 7 and 1 days before credentials expire.',
  },
  {
    scheduleId: 'key-rotation',
    workflow: names.keyRotation,
    hour: 3,
    note: 'Moves the signing keys on by whatever is due.',
  },
  {
    scheduleId: 'housekeeping',
    workflow: names.housekeeping,
    hour: 4,
    note: 'Deletes what has expired.',
  },
] as const;
