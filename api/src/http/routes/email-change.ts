import { z } from 'zod';
import { addressKey } from '../../platform/address.ts';
import { Problem } from '../../platform/problem.ts';
import { confirmEmailChange } from '../../services/people/confirm-email-change.ts';
import { requestEmailChange } from '../../services/people/request-email-change.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { consumeMailbox } from '../consume-mailbox.ts';
import { email } from '../email.ts';
import { attemptOf, deviceCookie } from '../known-browser.ts';
import { currentPassword } from '../new-password.ts';
import { requirePassword } from '../require-password.ts';
import { publicRoute, sessionRoute } from '../route.ts';
import type { Route } from '../route.ts';
import { spentForToday } from './email-verification.ts';

const tag = 'sign-in';

const requestRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/email/change',
    operationId: 'requestEmailChange',
    summary: 'Send a link to a new address, which becomes the signed-in user’s address when it is confirmed',
    tag,
    access: 'session',
    fromDashboard: true,
    body: z.strictObject({ email, password: currentPassword }),
    responses: { 204: { description: 'The mail is queued', schema: null } },
    problems: [
      'email_unchanged',
      'wrong_password',
      'origin_not_allowed',
      'rate_limited',
      'service_unavailable',
    ],
    handle: async (deps, request, { user }) => {
      const { body, origin } = request;
      if (body.email === user.email) {
        throw new Problem('email_unchanged', 'This is already your email address. Enter another one.');
      }
      await requirePassword(deps, limits, request, { user, password: body.password });
      await limits.verificationAddress.consume(addressKey(origin.ip));
      await limits.verificationPerson.consume(user.id);
      await consumeMailbox(limits, body);
      if (!(await requestEmailChange(deps, user.id, body.email))) throw spentForToday(deps.clock());
      return { status: 204 };
    },
  });

const confirmRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/email/change/confirm',
    operationId: 'confirmEmailChange',
    summary: 'Change the email address with the token of a link, which works once and expires after 24 hours',
    tag,
    access: 'public',
    fromDashboard: true,
    body: z.strictObject({ token: z.string().max(128) }),
    responses: {
      200: {
        description: 'The address is changed and confirmed',
        schema: z.object({ email: z.string() }).meta({ id: 'ChangedEmail' }),
      },
    },
    problems: ['invalid_link', 'email_taken', 'origin_not_allowed', 'rate_limited'],
    handle: async (deps, request) => {
      await limits.confirmation.consume(addressKey(request.origin.ip));
      const account = await confirmEmailChange(deps, request.body.token);
      await limits.accounts.remember(attemptOf(deps, account, request));
      return {
        status: 200,
        body: { email: account },
        headers: { 'Set-Cookie': deviceCookie(deps, account, request) },
      };
    },
  });

export const emailChangeRoutes = (limits: AttemptLimits): Route[] => [
  requestRoute(limits),
  confirmRoute(limits),
];
