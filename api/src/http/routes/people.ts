import { z } from 'zod';
import { networkKey } from '../../platform/address.ts';
import { roles } from '../../platform/principal.ts';
import { signIn } from '../../services/people/sign-in.ts';
import { signOut } from '../../services/people/sign-out.ts';
import { signUp } from '../../services/people/sign-up.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { createChallengeCookie } from '../challenge-cookie.ts';
import { email } from '../email.ts';
import { attemptOf, countSignIn } from '../known-browser.ts';
import { currentPassword, newPassword } from '../new-password.ts';
import { routesOf, type Route } from '../route.ts';
import { answerSignedIn, personSchema, signedInResponse } from '../signed-in.ts';
import { toWebHeaders } from '../web-headers.ts';
import { verifyNewPerson } from '../verify-new-person.ts';
import { line } from '../text.ts';
import { tenantSchema } from './tenant.ts';

const { publicRoute, sessionRoute } = routesOf('sign-in');

const signUpRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/sign-up',
    operationId: 'signUp',
    summary: 'Create an account; the first signed-in request creates its tenant',
    fromDashboard: true,
    body: z.strictObject({ email, password: newPassword, name: line(1, 128).optional() }),
    responses: { 200: signedInResponse },
    problems: ['weak_password', 'email_taken', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request) => {
      const { body, headers, origin } = request;
      await limits.signUp.consume(networkKey(origin.ip));
      await limits.allSignUps.consume('all');
      const made = await limits.hashing.signUp.run(async () => {
        const signedUp = await signUp(deps, body, toWebHeaders(headers));
        await verifyNewPerson(deps, limits, signedUp.user);
        return signedUp;
      });
      return answerSignedIn(deps, limits, request, made);
    },
  });

const signInRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/sign-in',
    operationId: 'signIn',
    summary: 'Sign in with email and password, or begin to if two-factor sign-in is on',
    fromDashboard: true,
    body: z.strictObject({ email, password: currentPassword }),
    responses: {
      200: signedInResponse,
      202: {
        description:
          'The password is right, and a code is needed as well: POST /auth/two-factor/verify, with the cookie of Set-Cookie',
        schema: z.object({ expiresAt: z.iso.datetime() }).meta({ id: 'SecondFactorNeeded' }),
      },
    },
    problems: ['invalid_credentials', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request) => {
      const { body, headers } = request;
      await countSignIn(limits, request);
      const attempt = attemptOf(deps, body.email, request);
      const { knownSignIn, signIn: anySignIn } = limits.hashing;
      const gate = attempt.device === undefined ? anySignIn : knownSignIn;
      const found = await gate.run(() =>
        limits.accounts.run(attempt, () => signIn(deps, body, toWebHeaders(headers))),
      );
      if ('user' in found) return answerSignedIn(deps, limits, request, found);
      return {
        status: 202,
        body: { expiresAt: found.expiresAt.toISOString() },
        headers: { 'Set-Cookie': createChallengeCookie(deps.config).issue(found.token) },
      };
    },
  });

const signOutRoute = publicRoute({
  method: 'post',
  path: '/auth/sign-out',
  operationId: 'signOut',
  summary: 'Sign out; without a session this does nothing',
  fromDashboard: true,
  responses: { 204: { description: 'Signed out', schema: null } },
  handle: async ({ people }, { headers }) => ({
    status: 204,
    headers: { 'Set-Cookie': await signOut(people, toWebHeaders(headers)) },
  }),
});

const session = sessionRoute({
  method: 'get',
  path: '/auth/session',
  operationId: 'getSession',
  summary: 'Get the signed-in user with tenant and role',
  responses: {
    200: {
      description: 'The signed-in member',
      schema: z
        .object({
          user: personSchema.extend({ emailVerified: z.boolean() }).meta({ id: 'SessionPerson' }),
          tenant: tenantSchema,
          role: z.enum(roles),
        })
        .meta({ id: 'Session' }),
    },
  },
  handle: async (_deps, _request, member) => ({ status: 200, body: member }),
});

export const peopleRoutes = (limits: AttemptLimits): Route[] => [
  signUpRoute(limits),
  signInRoute(limits),
  signOutRoute,
  session,
];
