import { confirmEmail, sendLink } from '#lib/server/verification.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = ({ url, setHeaders }) => {
  // The link works until it is used: no cache may hold it.
  setHeaders({ 'cache-control': 'no-store' });
  return { token: url.searchParams.get('token') };
};

export const actions: Actions = { confirm: confirmEmail, send: sendLink };
