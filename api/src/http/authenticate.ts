import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '../platform/problem.ts';
import { scopes, scopesOfRole, type Principal, type Scope } from '../platform/principal.ts';
import { sessionCookieName } from '../platform/people.ts';
import type { Deps } from '../deps.ts';
import { actorsOf, linksOf } from '../services/tokens/claims.ts';
import { findMember, type Member, type SendCookies } from '../services/people/find-member.ts';
import { challenge } from './challenge.ts';

type AuthenticateDeps = Pick<Deps, 'verifyAccessToken' | 'people' | 'peoplePool' | 'config'>;

/** RFC 6750 section 3. */
const unauthorized = (detail: string, error?: 'invalid_token'): Problem =>
  new Problem('unauthorized', detail, { headers: { 'WWW-Authenticate': challenge('Bearer', { error }) } });

const isScope = (text: string): text is Scope => (scopes as readonly string[]).includes(text);

/** Returns the agent of a Bearer token. Problem: `unauthorized`. */
export const authenticateAgent = async (
  { verifyAccessToken }: Pick<AuthenticateDeps, 'verifyAccessToken'>,
  authorization: string,
): Promise<Principal> => {
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw unauthorized('Send "Authorization: Bearer <token>".');
  const claims = await verifyAccessToken(token);
  if (!claims)
    throw unauthorized('The token is invalid, expired or revoked. Get a new one.', 'invalid_token');
  const [, ...before] = linksOf(claims);
  return {
    tenantId: claims.tenant_id,
    kind: 'agent',
    id: claims.sub,
    scopes: claims.scope.split(' ').filter(isScope),
    token: {
      jti: claims.jti,
      clientId: claims.client_id,
      credentialId: claims.credential_id,
      generation: claims.credential_generation,
      actors: actorsOf(claims),
      exchangedFrom: before.map(({ agentId, credential_id, credential_generation }) => ({
        agentId,
        credentialId: credential_id,
        generation: credential_generation,
      })),
    },
  };
};

/** Browsers send cookies with requests of other sites too, but with another Origin. */
export const checkOrigin = (method: string, headers: IncomingHttpHeaders, dashboardUrl: string): void => {
  if (method === 'GET' || method === 'HEAD' || headers.origin === dashboardUrl) return;
  throw new Problem('origin_not_allowed', 'Send the dashboard’s Origin header, or use a Bearer token.');
};

const authenticateMember = async (
  deps: AuthenticateDeps,
  method: string,
  headers: IncomingHttpHeaders,
  sendCookies: SendCookies,
): Promise<Principal> => {
  checkOrigin(method, headers, deps.config.DASHBOARD_URL);
  const member = await findMember(deps, headers.cookie ?? '', sendCookies);
  if (!member) throw unauthorized('Your session has ended. Sign in again.');
  return {
    tenantId: member.tenant.id,
    kind: 'member',
    id: member.user.id,
    scopes: scopesOfRole(member.role),
  };
};

/** Authenticates by Bearer token or session cookie. If a request has both, only the token counts. */
export const authenticate = async (
  deps: AuthenticateDeps,
  method: string,
  headers: IncomingHttpHeaders,
  sendCookies: SendCookies,
): Promise<Principal> => {
  if (headers.authorization !== undefined) return authenticateAgent(deps, headers.authorization);
  const cookie = headers.cookie ?? '';
  if (cookie.includes(`${sessionCookieName(deps.config.DASHBOARD_URL)}=`)) {
    return authenticateMember(deps, method, headers, sendCookies);
  }
  throw unauthorized('Sign in, or send "Authorization: Bearer <token>".');
};

/** Returns the signed-in member. Problem: `unauthorized`. */
export const requireMember = async (
  deps: AuthenticateDeps,
  headers: IncomingHttpHeaders,
  sendCookies: SendCookies,
): Promise<Member> => {
  const member = await findMember(deps, headers.cookie ?? '', sendCookies);
  if (!member) throw new Problem('unauthorized', 'You are not signed in. Sign in first.');
  return member;
};

/** Problem: `forbidden`, naming the scopes that are missing (RFC 6750 section 3.1). */
export const requireScopes = (principal: Principal, needed: readonly Scope[]): void => {
  const missing = needed.filter((scope) => !principal.scopes.includes(scope));
  if (missing.length === 0) return;
  if (principal.kind === 'member') {
    throw new Problem('forbidden', 'Your role does not allow this. Ask an owner or admin of your tenant.');
  }
  const scope = needed.join(' ');
  throw new Problem(
    'forbidden',
    `The token lacks these scopes: ${missing.join(' ')}. Get a token that has them.`,
    {
      headers: { 'WWW-Authenticate': challenge('Bearer', { error: 'insufficient_scope', scope }) },
    },
  );
};
