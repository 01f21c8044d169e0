import { DAY_SECONDS } from '@sentryagent/workflows/rules/durations';
import { betterAuth, type BetterAuthOptions } from 'better-auth';
import { createAuthEndpoint } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { organization } from 'better-auth/plugins/organization';
import type { Pool } from 'pg';
import { z } from 'zod';
import { newId, type IdPrefix } from './ids.ts';

export interface PeopleSettings {
  /** Connects with the only role that can see better-auth's tables. */
  pool: Pool;
  dashboardUrl: string;
  secret: string;
}

const idPrefixes: Readonly<Partial<Record<string, IdPrefix>>> = {
  user: 'usr',
  session: 'ses',
  account: 'acc',
  verification: 'ver',
  organization: 'ten',
  member: 'mem',
  invitation: 'inv',
};

const idOf = ({ model }: { model: string }): string => {
  const prefix = idPrefixes[model];
  if (!prefix) throw new Error(`better-auth asks for an id of "${model}": give it a prefix in idPrefixes`);
  return newId(prefix);
};

/** In seconds. The database enforces `absolute`, even for renewed sessions. */
export const sessionLife = {
  /** From sign-in or the last renewal. */
  idle: 7 * DAY_SECONDS,
  /** From sign-in. */
  absolute: 30 * DAY_SECONDS,
  /** A session is renewed at most this often. */
  renewal: DAY_SECONDS,
} as const;

const timestamps = { createdAt: 'created_at', updatedAt: 'updated_at' };

/** better-auth's organization is our tenant: same table, same id. */
const tenancy = organization({
  schema: {
    organization: { modelName: 'tenants', fields: timestamps },
    member: {
      modelName: 'members',
      fields: { organizationId: 'tenant_id', userId: 'user_id', createdAt: 'created_at' },
    },
    invitation: {
      modelName: 'invitations',
      fields: {
        organizationId: 'tenant_id',
        inviterId: 'inviter_id',
        expiresAt: 'expires_at',
        createdAt: 'created_at',
      },
    },
    session: { fields: { activeOrganizationId: 'active_tenant_id' } },
  },
});

/**
 * Starts a session for an authenticated user. We do not use better-auth's sign-up, because it hashes within a
 * transaction, or its sign-in, because it rejects addresses that HTML accepts. This endpoint has no path, so only this
 * process can call it.
 */
const sessions = {
  id: 'sessions',
  endpoints: {
    startSession: createAuthEndpoint.serverOnly(
      { method: 'POST', body: z.object({ userId: z.string() }) },
      async (ctx) => {
        const { internalAdapter } = ctx.context;
        const user = await internalAdapter.findUserById(ctx.body.userId);
        if (!user) throw new Error('the user of a new session does not exist');
        const session = await internalAdapter.createSession(user.id);
        await setSessionCookie(ctx, { session, user });
        return { token: session.token };
      },
    ),
  },
};

const tables = {
  user: { modelName: 'users', fields: { ...timestamps, emailVerified: 'email_verified' } },
  session: {
    modelName: 'sessions',
    fields: {
      ...timestamps,
      userId: 'user_id',
      expiresAt: 'expires_at',
      ipAddress: 'ip_address',
      userAgent: 'user_agent',
    },
    cookieCache: { enabled: false },
    expiresIn: sessionLife.idle,
    updateAge: sessionLife.renewal,
  },
  account: {
    modelName: 'accounts',
    fields: {
      ...timestamps,
      userId: 'user_id',
      accountId: 'account_id',
      providerId: 'provider_id',
      accessToken: 'access_token',
      refreshToken: 'refresh_token',
      idToken: 'id_token',
      accessTokenExpiresAt: 'access_token_expires_at',
      refreshTokenExpiresAt: 'refresh_token_expires_at',
    },
  },
  verification: { modelName: 'verifications', fields: { ...timestamps, expiresAt: 'expires_at' } },
} satisfies Partial<BetterAuthOptions>;

/** `__Host-` binds the cookie to this host over https. Browsers reject it on plain http, so it is not used there. */
export const sessionCookieName = (dashboardUrl: string): string =>
  dashboardUrl.startsWith('https:') ? '__Host-sentryagent' : 'sentryagent';

export const peopleOptions = ({ pool, dashboardUrl, secret }: PeopleSettings) =>
  ({
    database: pool,
    baseURL: dashboardUrl,
    basePath: '/auth',
    trustedOrigins: [dashboardUrl],
    secret,
    ...tables,
    // The routes allow 128 characters. better-auth counts UTF-16 units, up to two per character.
    emailAndPassword: { enabled: true, minPasswordLength: 8, maxPasswordLength: 256, autoSignIn: true },
    plugins: [tenancy, sessions],
    // Our own rate limits count in Redis, for all processes (`http/attempt-limits.ts`).
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
    advanced: {
      useSecureCookies: false,
      // better-auth trusts any X-Forwarded-For. The audit log records addresses instead.
      ipAddress: { disableIpTracking: true },
      cookies: {
        session_token: {
          name: sessionCookieName(dashboardUrl),
          attributes: {
            path: '/',
            httpOnly: true,
            sameSite: 'lax',
            secure: dashboardUrl.startsWith('https:'),
          },
        },
      },
      database: { generateId: idOf },
    },
  }) satisfies BetterAuthOptions;

/** better-auth: users, sessions and organizations. */
export const createPeople = (settings: PeopleSettings) => betterAuth(peopleOptions(settings));

export type People = ReturnType<typeof createPeople>;
