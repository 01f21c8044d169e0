import { setCurrentDetails } from '@temporalio/workflow';
import { batchActivities } from './batch-activities.ts';
import type { RotatedKey } from './contracts/index.ts';

const { rotateSigningKeys } = batchActivities;

/** Moves the signing keys on: next, current, previous, gone. Which step is due is the activity's rule. */
export const keyRotation = async (): Promise<RotatedKey[]> => {
  const changed = await rotateSigningKeys();
  const words = changed.map(({ kid, to }) => `${kid} is ${to}`);
  setCurrentDetails(words.length > 0 ? `${words.join(', ')}.` : 'Nothing was due.');
  return changed;
};
