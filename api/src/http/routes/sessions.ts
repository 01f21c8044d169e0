import { z } from 'zod';
import { endOtherSessions, endSession } from '../../services/people/end-sessions.ts';
import { listSessions } from '../../services/people/list-sessions.ts';
import { routesOf, type Route } from '../route.ts';

const { sessionRoute } = routesOf('sign-in');

const sessionEntry = z
  .object({
    id: z.string(),
    createdAt: z.iso.datetime().meta({ description: 'When it was signed in.' }),
    renewedAt: z.iso.datetime().meta({ description: 'A session that is used is renewed once a day.' }),
    expiresAt: z.iso.datetime(),
    browser: z.string().nullable().meta({ description: 'As the user agent names itself.' }),
    system: z.string().nullable().meta({ description: 'The operating system, as the user agent names it.' }),
    isCurrent: z.boolean().meta({ description: 'Whether it is the session of this request.' }),
  })
  .meta({ id: 'SessionEntry' });

const listRoute = sessionRoute({
  method: 'get',
  path: '/auth/sessions',
  operationId: 'listSessions',
  summary: 'List the user’s sessions: this one, then the 99 newest',
  responses: {
    200: {
      description: 'The sessions. No address of a session is stored',
      schema: z.object({ data: z.array(sessionEntry) }).meta({ id: 'SessionList' }),
    },
  },
  handle: async (deps, _request, { user, sessionId }) => {
    const sessions = await listSessions(deps, { userId: user.id, sessionId });
    const data = sessions.map(({ createdAt, renewedAt, expiresAt, ...session }) => ({
      ...session,
      createdAt: createdAt.toISOString(),
      renewedAt: renewedAt.toISOString(),
      expiresAt: expiresAt.toISOString(),
    }));
    return { status: 200, body: { data } };
  },
});

const endRoute = sessionRoute({
  method: 'delete',
  path: '/auth/sessions/:sessionId',
  operationId: 'endSession',
  summary: 'End one of the user’s sessions; it stops at once',
  params: z.strictObject({ sessionId: z.string() }),
  responses: { 204: { description: 'It has ended', schema: null } },
  problems: ['not_found'],
  handle: async (deps, { params }, { user }) => {
    await endSession(deps, { userId: user.id, sessionId: params.sessionId });
    return { status: 204 };
  },
});

const endOthersRoute = sessionRoute({
  method: 'post',
  path: '/auth/sessions/end-others',
  operationId: 'endOtherSessions',
  summary: 'End every session of the user but this one; they stop at once',
  responses: {
    200: {
      description: 'They have ended',
      schema: z.object({ ended: z.int() }).meta({ id: 'EndedSessions' }),
    },
  },
  handle: async (deps, _request, { user, sessionId }) => ({
    status: 200,
    body: { ended: await endOtherSessions(deps, { userId: user.id, sessionId }) },
  }),
});

export const sessionRoutes: Route[] = [listRoute, endRoute, endOthersRoute];
