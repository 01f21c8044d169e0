import type { Pool } from 'pg';
import type { Database } from '../../platform/database.ts';
import { newId } from '../../platform/ids.ts';
import { sessionLife, type People } from '../../platform/people.ts';
import type { Role } from '../../platform/principal.ts';
import type { Person } from './account.ts';

export interface Member {
  user: Person & { emailVerified: boolean };
  tenant: { id: string; name: string };
  role: Role;
  /** Of the request. */
  sessionId: string;
}

/** Receives the `Set-Cookie` lines of a renewed session. Every response must send them, also an error. */
export type SendCookies = (lines: string[]) => void;

interface Membership {
  tenant_id: string;
  tenant_name: string;
  role: Role;
}

const findMembership = async (db: Database, sessionId: string): Promise<Membership | undefined> => {
  const { rows } = await db.acrossTenants((trx) =>
    trx.raw<{ rows: Membership[] }>('select * from find_session_member(?)', [sessionId]),
  );
  return rows[0];
};

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
  db: Database;
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

/** The session of a cookie. Renews it once a day. */
const findSession = async (people: People, headers: Headers, sendCookies: SendCookies) => {
  const found = await people.api.getSession({ headers, query: { disableRefresh: true } });
  if (!found || !isRenewalDue(found.session)) return found;
  const renewed = await people.api.getSession({ headers, returnHeaders: true });
  sendCookies(renewed.headers.getSetCookie());
  return renewed.response;
};

/** The member of a session cookie. `undefined`: no live session. Creates the tenant of a new user. */
export const findMember = async (
  { db, people, peoplePool }: PeopleDeps,
  headers: Headers,
  sendCookies: SendCookies,
): Promise<Member | undefined> => {
  const found = await findSession(people, headers, sendCookies);
  if (!found) return undefined;
  const { id, email, name, emailVerified } = found.user;
  const user = { id, email, name, emailVerified };
  let membership = await findMembership(db, found.session.id);
  if (!membership) {
    await foundTenant(peoplePool, user);
    membership = await findMembership(db, found.session.id);
  }
  if (!membership) return undefined;
  return {
    user,
    tenant: { id: membership.tenant_id, name: membership.tenant_name },
    role: membership.role,
    sessionId: found.session.id,
  };
};
