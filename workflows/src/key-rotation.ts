import { setCurrentDetails } from '@temporalio/workflow';
import { batchActivities } from './batch-activities.ts';
import type { RotatedKey } from './contracts/index.ts';

const { rotateSigningKeys } = batchActivities;

/** Moves signing keys through the stages next, current, previous, removed. The activity decides what is due. */
export const keyRotation = async (): Promise<RotatedKey[]> => {
  const changed = await rotateSigningKeys();
  const words = changed.map(({ kid, to }) => `${kid} is now ${to === 'gone' ? 'removed' : to}`);
  setCurrentDetails(words.length > 0 ? `${words.join(', ')}.` : 'No key was due for its next stage.');
  return changed;
};
