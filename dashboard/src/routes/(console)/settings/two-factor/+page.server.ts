import { apiFor } from '#lib/server/api.ts';
import { failPage } from '#lib/server/failures.ts';
import {
  confirmTwoFactor,
  renewRecoveryCodes,
  startTwoFactor,
  turnOffTwoFactor,
} from '#lib/server/two-factor.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const task: 'codes' | 'off' = event.url.searchParams.get('task') === 'off' ? 'off' : 'codes';
  try {
    const { enabledAt } = await apiFor(event).twoFactor.get();
    return { isOn: enabledAt !== null, task };
  } catch (failure) {
    return failPage(event, failure);
  }
};

export const actions: Actions = {
  start: startTwoFactor,
  confirm: confirmTwoFactor,
  renew: renewRecoveryCodes,
  off: turnOffTwoFactor,
};
