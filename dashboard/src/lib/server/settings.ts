import { apiFor } from './api.ts';
import { settingsAction } from './settings-action.ts';

export const profileActions = {
  link: settingsAction({
    name: 'link',
    section: 'profile',
    fields: [],
    act: (event) => apiFor(event).auth.requestVerification(),
  }),
  email: settingsAction({
    name: 'email',
    section: 'profile',
    fields: ['email', 'password'],
    kept: ['email'],
    act: (event, { email, password }) =>
      apiFor(event).auth.requestEmailChange({ email: email.trim(), password }),
  }),
};

export const passwordActions = {
  password: settingsAction({
    name: 'password',
    section: 'password',
    fields: ['currentPassword', 'newPassword'],
    act: (event, form) => apiFor(event).auth.changePassword(form),
  }),
};

export const tenantActions = {
  rename: settingsAction({
    name: 'rename',
    section: 'tenant',
    fields: ['name'],
    kept: ['name'],
    act: (event, { name }) => apiFor(event).tenant.update({ name }),
  }),
};
