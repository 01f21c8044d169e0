import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { failForm } from './failures.ts';
import { readForm } from './read-form.ts';

interface SettingsForm<Field extends string> {
  /** The name of the action, and of the form in `stateOf`. */
  name: string;
  /** The id of the section, to which the page returns. */
  section: string;
  fields: readonly Field[];
  /** The fields to show again if the form is rejected. Never a password. */
  kept?: readonly Field[];
  act(event: RequestEvent, form: Record<Field, string>): Promise<unknown>;
}

/** The action of a form on the settings page. It redirects, so that a reload sends nothing again. */
export const settingsAction =
  <Field extends string>({ name, section, fields, kept = [], act }: SettingsForm<Field>) =>
  async (event: RequestEvent) => {
    const form = await readForm(event.request, fields);
    try {
      await act(event, form);
    } catch (failure) {
      const values = Object.fromEntries(kept.map((field) => [field, form[field]]));
      const { status, data } = failForm<Record<string, string>>(event, failure, values, fields);
      return fail(status, { ...data, name });
    }
    redirect(303, `/settings?done=${name}#${section}`);
  };
