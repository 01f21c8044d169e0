import { z } from 'zod';
import { finishSignIn } from '../../services/people/finish-sign-in.ts';
import { confirmEnrolment, startEnrolment } from '../../services/two-factor/enrol.ts';
import { readTwoFactor, renewRecoveryCodes, turnOffTwoFactor } from '../../services/two-factor/manage.ts';
import type { AttemptLimits } from '../attempt-limits.ts';
import { createChallengeCookie } from '../challenge-cookie.ts';
import { countSignIn } from '../known-browser.ts';
import { currentPassword } from '../new-password.ts';
import { requirePassword } from '../require-password.ts';
import { routesOf, type Route } from '../route.ts';
import {
  ONE_PROOF,
  code,
  countProof,
  hasOneProof,
  proofFields,
  proofOf,
  trimCode,
} from '../second-factor.ts';
import { answerSignedIn, signedInResponse } from '../signed-in.ts';
import { toWebHeaders } from '../web-headers.ts';

const { publicRoute, sessionRoute } = routesOf('sign-in');

const recoveryCodes = z
  .object({ recoveryCodes: z.array(z.string()) })
  .meta({ id: 'RecoveryCodes', description: 'Each works once, instead of a code of the app.' });

const statusRoute = sessionRoute({
  method: 'get',
  path: '/auth/two-factor',
  operationId: 'getTwoFactor',
  summary: 'Get whether two-factor sign-in is on, and how many recovery codes are left',
  responses: {
    200: {
      description: 'The second factor of the signed-in user',
      schema: z
        .object({
          enabledAt: z.iso.datetime().nullable().meta({ description: 'null: two-factor sign-in is off.' }),
          recoveryCodesLeft: z.int(),
        })
        .meta({ id: 'TwoFactor' }),
    },
  },
  handle: async (deps, _request, { user }) => {
    const { enabledAt, recoveryCodesLeft } = await readTwoFactor(deps, user.id);
    return { status: 200, body: { enabledAt: enabledAt?.toISOString() ?? null, recoveryCodesLeft } };
  },
});

const enrolRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/two-factor/enrolment',
    operationId: 'startTwoFactor',
    summary: 'Get a key for an authenticator app; it is in use only after its first code is confirmed',
    body: z.strictObject({ password: currentPassword }),
    responses: {
      200: {
        description: 'The key, which only this response contains',
        schema: z
          .object({
            key: z.string().meta({ description: 'In base32, to type into the app.' }),
            uri: z.string().meta({ description: '`otpauth://totp/…`, to show as a QR code.' }),
          })
          .meta({ id: 'TwoFactorKey' }),
      },
    },
    problems: ['email_unverified', 'wrong_password', 'two_factor_on', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request, { user }) => {
      await requirePassword(deps, limits, request, { user, password: request.body.password });
      return { status: 200, body: await startEnrolment(deps, user) };
    },
  });

const confirmRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/two-factor/enrolment/confirm',
    operationId: 'confirmTwoFactor',
    summary: 'Turn two-factor sign-in on with the first code of the app; ends the user’s other sessions',
    body: z.strictObject({ code }),
    responses: {
      200: { description: 'It is on. Only this response contains the recovery codes', schema: recoveryCodes },
    },
    problems: ['email_unverified', 'invalid_code', 'two_factor_on', 'two_factor_off', 'rate_limited'],
    handle: async (deps, { body }, member) => {
      const proof = { code: trimCode(body.code) };
      await countProof(limits, member.user.id, proof);
      return { status: 200, body: { recoveryCodes: await confirmEnrolment(deps, member, proof.code) } };
    },
  });

const verifyRoute = (limits: AttemptLimits): Route =>
  publicRoute({
    method: 'post',
    path: '/auth/two-factor/verify',
    operationId: 'verifyTwoFactor',
    summary: 'Finish a sign-in with a code of the app or a recovery code; each works once',
    fromDashboard: true,
    body: z.strictObject(proofFields).refine(hasOneProof, ONE_PROOF),
    responses: { 200: signedInResponse },
    problems: ['invalid_code', 'sign_in_expired', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request) => {
      const { body, headers } = request;
      await countSignIn(limits, request);
      const cookie = createChallengeCookie(deps.config);
      const proof = proofOf(body);
      const { user, cookies } = await finishSignIn(
        deps,
        { token: cookie.read(headers.cookie), proof, count: (userId) => countProof(limits, userId, proof) },
        toWebHeaders(headers),
      );
      return answerSignedIn(deps, limits, request, { user, cookies: [...cookies, cookie.clear()] });
    },
  });

const proved = z.strictObject({ password: currentPassword, ...proofFields }).refine(hasOneProof, ONE_PROOF);

const turnOffRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/two-factor/turn-off',
    operationId: 'turnOffTwoFactor',
    summary: 'Turn two-factor sign-in off with the password and a code of the app or a recovery code',
    body: proved,
    responses: { 204: { description: 'It is off', schema: null } },
    problems: ['wrong_password', 'invalid_code', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request, { user }) => {
      await requirePassword(deps, limits, request, { user, password: request.body.password });
      const proof = proofOf(request.body);
      await countProof(limits, user.id, proof);
      await turnOffTwoFactor(deps, user.id, proof);
      return { status: 204 };
    },
  });

const renewRoute = (limits: AttemptLimits): Route =>
  sessionRoute({
    method: 'post',
    path: '/auth/two-factor/recovery-codes',
    operationId: 'renewRecoveryCodes',
    summary: 'Replace all recovery codes with the password and a code of the app or a recovery code',
    body: proved,
    responses: {
      200: { description: 'Only this response contains the new codes', schema: recoveryCodes },
    },
    problems: ['wrong_password', 'invalid_code', 'two_factor_off', 'rate_limited', 'service_unavailable'],
    handle: async (deps, request, { user }) => {
      await requirePassword(deps, limits, request, { user, password: request.body.password });
      const proof = proofOf(request.body);
      await countProof(limits, user.id, proof);
      return { status: 200, body: { recoveryCodes: await renewRecoveryCodes(deps, user.id, proof) } };
    },
  });

export const twoFactorRoutes = (limits: AttemptLimits): Route[] => [
  statusRoute,
  enrolRoute(limits),
  confirmRoute(limits),
  verifyRoute(limits),
  turnOffRoute(limits),
  renewRoute(limits),
];
