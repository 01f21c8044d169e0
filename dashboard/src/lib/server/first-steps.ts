import type { Session } from '@sentryagent/sdk';
import { redirect, type RequestEvent } from '@sveltejs/kit';
import { requireSession } from './session.ts';

/** The tenant whose first steps are hidden in this browser. */
const COOKIE = 'first-steps-hidden';
const YEAR_S = 31_536_000;

export const areFirstStepsHidden = ({ cookies }: RequestEvent, { tenant }: Session): boolean =>
  cookies.get(COOKIE) === tenant.id;

/** For tenants whose agents get tokens for their own services, and never call our API. */
export const hideFirstSteps = async (event: RequestEvent) => {
  const { tenant } = await requireSession(event);
  event.cookies.set(COOKIE, tenant.id, {
    path: '/usage',
    maxAge: YEAR_S,
    secure: event.url.protocol === 'https:',
  });
  redirect(303, '/usage');
};
