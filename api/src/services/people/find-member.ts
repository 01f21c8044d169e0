import type { Pool } from 'pg';
import { newId } from '../../platform/ids.ts';
import { sessionLife, type People } from '../../platform/people.ts';
import type { Role } from '../../platform/principal.ts';
import type { Person } from './account.ts';
import { readSessionToken } from './session-cookie.ts';

export interface Member {
  user: Person & { emailVerified: boolean };
  tenant: { id: string; name: string };
  role: Role;
  /** Of the request. */
  sessionId: string;
}

/** Receives the `Set-Cookie` lines of a renewed session. Every response must send them, also an error. */
export type SendCookies = (lines: string[]) => void;

/** The row of a live session. Without a tenant, its user is not a member yet. */
interface Row {
  sessionId: string;
  createdAt: Date;
  expiresAt: Date;
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
  tenantId: string | null;
  tenantName: string;
  role: Role;
}

/**
 * All that a request needs, in one prepared statement: the session, its user, and the member in the chosen tenant, or
 * else in the one joined first. It is read for each request, so what ends a session or changes a role applies at once.
 */
const SESSION = {
  name: 'find_session',
  text: `
    select s.id as "sessionId", s.created_at as "createdAt", s.expires_at as "expiresAt",
      u.id, u.email, u.name, u.email_verified as "emailVerified", m."tenantId", m."tenantName", m.role
    from sessions s
    join users u on u.id = s.user_id
    left join lateral (
      select t.id as "tenantId", t.name as "tenantName", role
      from members join tenants t on t.id = tenant_id
      where user_id = s.user_id
      order by (t.id = s.active_tenant_id) desc nulls last, members.created_at, members.id
      limit 1
    ) m on true
    where s.token = $1 and s.expires_at > now()`,
};

const findRow = async (pool: Pool, token: string): Promise<Row | undefined> =>
  (await pool.query<Row>({ ...SESSION, values: [token] })).rows[0];

/**
 * Creates the user's tenant, with the user as its owner, in one transaction. The slug is the user's id and unique, so
 * two parallel first requests create one tenant.
 */
const foundTenant = async (pool: Pool, user: Person): Promise<void> => {
  await pool.query(
    `with tenant as (
       insert into tenants (id, name, slug, created_at) values ($1, $2, $3, now())
       on conflict (slug) do nothing returning id
     )
     insert into members (id, tenant_id, user_id, role, created_at)
     select $4, tenant.id, $5, 'owner', now() from tenant`,
    [newId('ten'), `${user.name}’s team`, user.id, newId('mem'), user.id],
  );
};

export interface PeopleDeps {
  people: People;
  peoplePool: Pool;
}

/**
 * Renews once a day until the expiry is the absolute end. After that, better-auth alone would renew at each request.
 */
const isRenewalDue = ({ createdAt, expiresAt }: { createdAt: Date; expiresAt: Date }): boolean => {
  const { idle, absolute, renewal } = sessionLife;
  const end = createdAt.getTime() + absolute * 1_000;
  return expiresAt.getTime() < end && expiresAt.getTime() <= Date.now() + (idle - renewal) * 1_000;
};

/** Renews the session once a day. Returns whether it is still live. */
const keepLive = async (
  people: People,
  row: Row,
  cookie: string,
  sendCookies: SendCookies,
): Promise<boolean> => {
  if (!isRenewalDue(row)) return true;
  const renewed = await people.api.getSession({ headers: new Headers({ cookie }), returnHeaders: true });
  sendCookies(renewed.headers.getSetCookie());
  return renewed.response !== null;
};

/** The member of a `Cookie` header. `undefined`: no live session. Creates the tenant of a new user. */
export const findMember = async (
  { people, peoplePool }: PeopleDeps,
  cookie: string,
  sendCookies: SendCookies,
): Promise<Member | undefined> => {
  const token = await readSessionToken(people, cookie);
  let row = token === undefined ? undefined : await findRow(peoplePool, token);
  if (!token || !row || !(await keepLive(people, row, cookie, sendCookies))) return undefined;
  if (row.tenantId === null) {
    await foundTenant(peoplePool, row);
    row = await findRow(peoplePool, token);
  }
  if (!row?.tenantId) return undefined;
  const { id, email, name, emailVerified, tenantId, tenantName, role, sessionId } = row;
  return {
    user: { id, email, name, emailVerified },
    tenant: { id: tenantId, name: tenantName },
    role,
    sessionId,
  };
};
