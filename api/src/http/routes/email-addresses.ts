import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { nextUtcMidnight } from '@sentryagent/workflows/rules/period';
import { z } from 'zod';
import { addressKey } from '../../platform/address.ts';
import { Problem } from '../../platform/problem.ts';
import type { Origin } from '../../platform/principal.ts';
import type { Person } from '../../services/people/account.ts';
import { confirmEmailChange, requestEmailChange } from '../../services/people/email-change.ts';
import { confirmEmail, requestVerification } from '../../services/people/email-verification.ts';
import { rateLimited } from '../admit.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { consumeMailbox } from '../consume-mailbox.ts';
import { email } from '../email.ts';
import { currentPassword } from '../new-password.ts';
import { requirePassword } from '../require-password.ts';
import { answerProved } from '../signed-in.ts';
import { routesOf, type Route } from '../route.ts';

const { publicRoute, sessionRoute } = routesOf('sign-in');

/** The limit of mails in the database, which is per UTC day. */
const spentForToday = (now: Date): Problem =>
  rateLimited({
    waitMs: nextUtcMidnight(now).getTime() - now.getTime(),
    windowSeconds: DAY_SECONDS,
    reason: 'Too many confirmation links for this account today',
    when: 'after 00:00 UTC',
  });

/** Counts a mail with a link to this address of the person. Problem: `rate_limited`. */
const countLink = async (limits: AttemptLimits, { ip }: Origin, person: Person): Promise<void> => {
  await limits.verificationAddress.consume(addressKey(ip));
  await limits.verificationPerson.consume(person.id);
  await consumeMailbox(limits, person);
};

const requestRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/verification',
    operationId: 'requestVerification',
    summary: 'Send the signed-in user a link that confirms their email address; earlier links become invalid',
    responses: { 204: { description: 'The mail is queued', schema: null } },
    problems: ['email_already_verified', 'rate_limited'],
    handle: async (deps, { origin }, { user }) => {
      if (user.emailVerified) {
        throw new Problem(
          'email_already_verified',
          'Your email address is already confirmed. You do not need to do anything.',
        );
      }
      await countLink(limits, origin, user);
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
    fromDashboard: true,
    body: z.strictObject({ token: z.string().max(128) }),
    responses: {
      200: {
        description: 'The address is confirmed',
        schema: z.object({ email: z.string() }).meta({ id: 'ConfirmedEmail' }),
      },
    },
    problems: ['invalid_link', 'rate_limited'],
    handle: async (deps, { body, origin }) => {
      await limits.confirmation.consume(addressKey(origin.ip));
      return { status: 200, body: { email: await confirmEmail(deps, body.token) } };
    },
  });

const requestChangeRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/email/change',
    operationId: 'requestEmailChange',
    summary: 'Send a link to a new address, which becomes the signed-in user’s address when it is confirmed',
    body: z.strictObject({ email, password: currentPassword }),
    responses: { 204: { description: 'The mail is queued', schema: null } },
    problems: ['email_unchanged', 'wrong_password', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request, { user }) => {
      const { body, origin } = request;
      if (body.email === user.email) {
        throw new Problem('email_unchanged', 'This is already your email address. Enter another one.');
      }
      await requirePassword(deps, limits, request, { user, password: body.password });
      await countLink(limits, origin, { ...user, email: body.email });
      if (!(await requestEmailChange(deps, user.id, body.email))) throw spentForToday(deps.clock());
      return { status: 204 };
    },
  });

const confirmChangeRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/email/change/confirm',
    operationId: 'confirmEmailChange',
    summary: 'Change the email address with the token of a link, which works once and expires after 24 hours',
    fromDashboard: true,
    body: z.strictObject({ token: z.string().max(128) }),
    responses: {
      200: {
        description: 'The address is changed and confirmed',
        schema: z.object({ email: z.string() }).meta({ id: 'ChangedEmail' }),
      },
    },
    problems: ['invalid_link', 'email_taken', 'rate_limited'],
    handle: async (deps, request) => {
      await limits.confirmation.consume(addressKey(request.origin.ip));
      const account = await confirmEmailChange(deps, request.body.token);
      return answerProved(deps, limits, request, account);
    },
  });

export const emailRoutes = (limits: AttemptLimits): Route[] => [
  requestRoute(limits),
  confirmRoute(limits),
  requestChangeRoute(limits),
  confirmChangeRoute(limits),
];
