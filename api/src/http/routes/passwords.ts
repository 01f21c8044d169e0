import { z } from 'zod';
import { addressKey, networkKey } from '../../platform/address.ts';
import { changePassword } from '../../services/people/change-password.ts';
import { requestPasswordReset, resetPassword } from '../../services/people/password-reset.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { isMailboxCrowded } from '../consume-mailbox.ts';
import { email } from '../email.ts';
import { attemptOf, countSignIn } from '../known-browser.ts';
import { digestKey } from '../limiter.ts';
import { currentPassword, newPassword } from '../new-password.ts';
import { routesOf, type Route } from '../route.ts';
import { answerProved } from '../signed-in.ts';
import { toWebHeaders } from '../web-headers.ts';

const { publicRoute, sessionRoute } = routesOf('sign-in');

const forgotRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/password/forgot',
    operationId: 'requestPasswordReset',
    summary: 'Send a link that sets a new password; the response is the same if the address has no account',
    fromDashboard: true,
    body: z.strictObject({ email }),
    responses: { 204: { description: 'If the address has an account, the mail is queued', schema: null } },
    problems: ['rate_limited'],
    handle: async (deps, request) => {
      const { email: account } = request.body;
      const { device } = attemptOf(deps, account, request);
      await limits.resetNetwork.consume(networkKey(request.origin.ip));
      await limits.resetAccount.consume(
        digestKey(account, ...(device === undefined ? [] : ['device', device])),
      );
      const isCrowded = await isMailboxCrowded(limits, request.body);
      await requestPasswordReset(deps, account, { isCrowded, isKnown: device !== undefined });
      return { status: 204 };
    },
  });

const resetRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/password/reset',
    operationId: 'resetPassword',
    summary: 'Set a new password with the token of a link, which works once and expires after 1 hour',
    fromDashboard: true,
    body: z.strictObject({ token: z.string().max(128), password: newPassword }),
    responses: {
      200: {
        description: 'The password is set and the address confirmed; all sessions of the user have ended',
        schema: z.object({ email: z.string() }).meta({ id: 'ResetPassword' }),
      },
    },
    problems: ['invalid_link', 'weak_password', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request) => {
      await limits.confirmation.consume(addressKey(request.origin.ip));
      const account = await resetPassword(deps, request.body, limits.hashing.knownSignIn.run);
      return answerProved(deps, limits, request, account);
    },
  });

const changeRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/password/change',
    operationId: 'changePassword',
    summary: 'Change the signed-in user’s password; all other sessions end, and this one gets a new id',
    body: z.strictObject({ currentPassword, newPassword }),
    responses: { 204: { description: 'Changed; the new session is in Set-Cookie', schema: null } },
    problems: ['weak_password', 'wrong_password', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request, { user }) => {
      const { body, headers } = request;
      await countSignIn(limits, request);
      const attempt = attemptOf(deps, user.email, request);
      const cookies = await limits.hashing.knownSignIn.run(() =>
        limits.accounts.run(attempt, () => changePassword(deps, user, body, toWebHeaders(headers))),
      );
      return { status: 204, headers: { 'Set-Cookie': cookies } };
    },
  });

export const passwordRoutes = (limits: AttemptLimits): Route[] => [
  forgotRoute(limits),
  resetRoute(limits),
  changeRoute(limits),
];
