import { apiFor } from '#lib/server/api.ts';
import { toPage } from '#lib/server/failures.ts';
import {
  confirmTwoFactor,
  renewRecoveryCodes,
  startTwoFactor,
  turnOffTwoFactor,
} from '#lib/server/two-factor.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const task: 'codes' | 'off' = event.url.searchParams.get('task') === 'off' ? 'off' : 'codes';
  const { enabledAt } = await apiFor(event).twoFactor.get().catch(toPage(event));
  return { isOn: enabledAt !== null, task };
};

export const actions: Actions = {
  start: startTwoFactor,
  confirm: confirmTwoFactor,
  renew: renewRecoveryCodes,
  off: turnOffTwoFactor,
};
