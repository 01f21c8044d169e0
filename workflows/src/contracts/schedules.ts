import { names } from './names.ts';

/** Temporal schedules. The API creates or updates them when it starts. The workers only run them. */
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
    note: 'Moves each signing key to its next stage if that is due.',
  },
  {
    scheduleId: 'housekeeping',
    workflow: names.housekeeping,
    hour: 4,
    note: 'Deletes expired rows.',
  },
] as const;
