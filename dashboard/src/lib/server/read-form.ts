import { error } from '@sveltejs/kit';
import { readBody } from './body.ts';

const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data)\s*(;|$)/i;

const parse = async (body: Blob, type: string): Promise<FormData> => {
  try {
    return await new Response(body, { headers: { 'content-type': type } }).formData();
  } catch {
    return error(400, 'The form could not be read. Go back and send it again.');
  }
};

/**
 * Returns the form's text fields by name, and all values of each field in `lists`. A missing field is empty. If the body
 * is not a valid form, the response is 400, 413 or 415.
 */
export const readForm = async <Name extends string, List extends string = never>(
  request: Request,
  names: readonly Name[],
  lists: readonly List[] = [],
): Promise<Record<Name, string> & Record<List, string[]>> => {
  const body = await readBody(request);
  if (body === null) error(413, 'The form is too large. Send at most 64 KiB.');
  const type = request.headers.get('content-type') ?? '';
  if (!FORM.test(type)) error(415, 'The request is not a form. Go back and send it again.');
  const form = await parse(body, type);
  const read = (name: Name): string => {
    const [value = '', ...more] = form.getAll(name);
    if (typeof value !== 'string' || more.length > 0) error(400, `Send the field “${name}” once, as text.`);
    return value;
  };
  const readAll = (name: List): string[] => {
    const values = form.getAll(name);
    if (values.some((value) => typeof value !== 'string')) error(400, `Send the field “${name}” as text.`);
    return values as string[];
  };
  return Object.fromEntries([
    ...names.map((name) => [name, read(name)]),
    ...lists.map((name) => [name, readAll(name)]),
  ]) as Record<Name, string> & Record<List, string[]>;
};
