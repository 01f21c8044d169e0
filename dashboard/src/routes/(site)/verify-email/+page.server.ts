import { confirmEmail, readConfirmed, sendLink } from '#lib/server/verification.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => {
  // The link works until it is used, so it must not be cached.
  event.setHeaders({ 'cache-control': 'no-store' });
  return { token: event.url.searchParams.get('token'), confirmed: readConfirmed(event) };
};

export const actions: Actions = { confirm: confirmEmail, send: sendLink };
