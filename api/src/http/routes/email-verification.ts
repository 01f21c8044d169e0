import { nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import { z } from 'zod';
import { addressKey } from '../../platform/address.ts';
import { Problem } from '../../platform/problem.ts';
import { confirmEmail } from '../../services/people/confirm-email.ts';
import { requestVerification } from '../../services/people/request-verification.ts';
import { rateLimited } from '../admit.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { consumeMailbox } from '../consume-mailbox.ts';
import { publicRoute, sessionRoute } from '../route.ts';
import type { Route } from '../route.ts';

const tag = 'sign-in';

/** The limit of mails in the database, which is per UTC day. */
export const spentForToday = (now: Date): Problem =>
  rateLimited({
    waitMs: nextUtcMidnight(now).getTime() - now.getTime(),
    reason: 'Too many confirmation links for this account today',
    when: 'after 00:00 UTC',
  });

const requestRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/verification',
    operationId: 'requestVerification',
    summary: 'Send the signed-in user a link that confirms their email address; earlier links become invalid',
    tag,
    access: 'session',
    fromDashboard: true,
    responses: { 204: { description: 'The mail is queued', schema: null } },
    problems: ['origin_not_allowed', 'email_already_verified', 'rate_limited'],
    handle: async (deps, { origin }, { user }) => {
      if (user.emailVerified) {
        throw new Problem(
          'email_already_verified',
          'Your email address is already confirmed. You do not need to do anything.',
        );
      }
      await limits.verificationAddress.consume(addressKey(origin.ip));
      await limits.verificationPerson.consume(user.id);
      await consumeMailbox(limits, user);
      if (!(await requestVerification(deps, user, { asked: true }))) {
        throw spentForToday(deps.clock());
      }
      return { status: 204 };
    },
  });

const confirmRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/verification/confirm',
    operationId: 'confirmEmail',
    summary: 'Confirm an email address with the token of a link, which works once and expires after 24 hours',
    tag,
    access: 'public',
    fromDashboard: true,
    body: z.strictObject({ token: z.string().max(128) }),
    responses: {
      200: {
        description: 'The address is confirmed',
        schema: z.object({ email: z.string() }).meta({ id: 'ConfirmedEmail' }),
      },
    },
    problems: ['invalid_link', 'origin_not_allowed', 'rate_limited'],
    handle: async (deps, { body, origin }) => {
      await limits.confirmation.consume(addressKey(origin.ip));
      return { status: 200, body: { email: await confirmEmail(deps, body.token) } };
    },
  });

export const emailVerificationRoutes = (limits: AttemptLimits): Route[] => [
  requestRoute(limits),
  confirmRoute(limits),
];
