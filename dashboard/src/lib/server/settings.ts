import { ApiError } from '@sentryagent/sdk';
import type { RequestEvent } from '@sveltejs/kit';
import { apiFor } from './api.ts';
import { settingsAction } from './settings-action.ts';

/** A session that has ended in the meantime is what the user wanted. */
const endSession = async (event: RequestEvent, { sessionId }: { sessionId: string }): Promise<void> => {
  try {
    await apiFor(event).sessions.end(sessionId);
  } catch (failure) {
    if (!(failure instanceof ApiError) || failure.status !== 404) throw failure;
  }
};

/** The forms of the settings page. */
export const settingsActions = {
  email: settingsAction({
    name: 'email',
    section: 'profile',
    fields: ['email', 'password'],
    kept: ['email'],
    act: (event, { email, password }) =>
      apiFor(event).auth.requestEmailChange({ email: email.trim(), password }),
  }),
  password: settingsAction({
    name: 'password',
    section: 'password',
    fields: ['currentPassword', 'newPassword'],
    act: (event, form) => apiFor(event).auth.changePassword(form),
  }),
  session: settingsAction({ name: 'session', section: 'sessions', fields: ['sessionId'], act: endSession }),
  sessions: settingsAction({
    name: 'sessions',
    section: 'sessions',
    fields: [],
    act: (event) => apiFor(event).sessions.endOthers(),
  }),
  rename: settingsAction({
    name: 'rename',
    section: 'tenant',
    fields: ['name'],
    kept: ['name'],
    act: (event, { name }) => apiFor(event).tenant.update({ name }),
  }),
};
