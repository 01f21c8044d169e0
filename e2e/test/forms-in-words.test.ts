import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillParameters, pages } from './support/pages.ts';
import { signUpByHttp } from './support/people.ts';
import type { SignedUp } from './support/people.ts';
import { startStack } from './support/stack.ts';
import type { Stack } from './support/stack.ts';

let stack: Stack;
let person: SignedUp;
beforeAll(async () => {
  stack = await startStack({ RATE_LIMIT_MAX_REQUESTS: '1000000' });
  person = await signUpByHttp(stack);
  await person.api.agents.register({ name: 'reader' });
  await person.api.resources.create({ identifier: 'https://crm.example', scopes: ['read'] });
  await stack.sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [person.tenantId]);
});
afterAll(() => stack.close());

const MAX_PAGES = 60;

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&');

interface Form {
  url: URL;
  names: string[];
}

const formsOf = (page: URL, html: string): Form[] =>
  [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)]
    .map(([form]) => form)
    .filter((form) => /^<form[^>]*method="post"/i.test(form))
    .map((form) => ({
      url: new URL(attribute(/^<form[^>]*>/.exec(form)![0], 'action') ?? '', page),
      names: [
        ...new Set(
          [...form.matchAll(/<(?:input|select|textarea|button)\b[^>]*>/g)].flatMap(
            ([field]) => attribute(field, 'name') ?? [],
          ),
        ),
      ],
    }));

/** The page, at the URL that redirects lead to. */
const get = async (path: string, cookie: string): Promise<{ page: URL; html: string }> => {
  const response = await fetch(stack.dashboardUrl + path, { headers: { cookie, accept: 'text/html' } });
  return { page: new URL(response.url), html: await response.text() };
};

/** The forms of every page that links lead to, by their action and fields. */
const findForms = async (): Promise<Form[]> => {
  const pathOf = await fillParameters(stack, person);
  const open = [...pages.map(({ route }) => pathOf(route)), '/verify-email?token=x'];
  const seen = new Set(open);
  const forms = new Map<string, Form>();
  for (const cookie of [person.cookie, '']) {
    for (const path of [...seen].slice(0, MAX_PAGES)) open.push(path);
    for (let path = open.shift(); path !== undefined; path = open.shift()) {
      const { page, html } = await get(path, cookie);
      for (const form of formsOf(page, html)) {
        const action = /[?&](\/\w+)/.exec(form.url.search)?.[1];
        forms.set(`${form.url.pathname} ${action} ${form.names.join()}`, form);
      }
      for (const [link] of html.matchAll(/<a\b[^>]*>/g)) {
        const { origin, pathname, search } = new URL(attribute(link, 'href') ?? '', page);
        const dialog = new URLSearchParams(search).get('dialog');
        const next = dialog === null ? pathname : `${pathname}?dialog=${dialog}`;
        if (origin !== page.origin || seen.has(next) || seen.size >= MAX_PAGES) continue;
        seen.add(next);
        open.push(next);
      }
    }
  }
  // The one that ends the session comes last.
  return [...forms.values()].sort(
    (a, b) => Number(/sign-out/.test(a.url.href)) - Number(/sign-out/.test(b.url.href)),
  );
};

/** Some 400 answers, one after the other. */
const EVERY_FORM_MS = 600_000;

const VALUES = ['', 'none', '1e999', '\0', 'x'.repeat(5_000)];

type Fields = [name: string, value: string | Blob][];

/** What no browser sends of its own accord, and what people type. */
const crafted = (names: string[]): { what: string; fields: Fields }[] => {
  const all = (value: string | Blob): Fields => names.map((name) => [name, value]);
  return [
    { what: 'nothing', fields: [] },
    { what: 'an unknown field', fields: [...all('none'), ['tenantId', 'x'], ['__proto__', 'x']] },
    { what: 'files', fields: all(new Blob(['x'])) },
    ...names.map((name) => ({ what: `${name} twice`, fields: [...all('none'), [name, 'b']] as Fields })),
    ...VALUES.map((value) => ({ what: JSON.stringify(value).slice(0, 20), fields: all(value) })),
  ];
};

const textOf = (html: string): string =>
  html
    .replaceAll(/<(script|style|textarea)\b[\s\S]*?<\/\1>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

/** What only a program says. */
const OF_A_PROGRAM =
  /\b(NaN|undefined|nonoptional|expected|received|Invalid|Unrecognized|Internal Error)\b|\[object|\b(body|query|params)\.\w|[<>]=/;

/** Next to what is wrong, or instead of the page. */
const REFUSAL = /role="alert"|Error 400|This link no longer works/;

const sendForm = async ({ url }: Form, fields: Fields, cookie: string): Promise<Response> => {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  const headers = { cookie, origin: stack.dashboardUrl, accept: 'text/html' };
  return fetch(url, { method: 'POST', body, headers, redirect: 'manual' });
};

it(
  'Any form tells any input in words',
  async () => {
    const forms = await findForms();
    expect(forms.map(({ url }) => url.pathname)).toEqual(
      expect.arrayContaining([
        '/sign-in',
        '/sign-up',
        '/onboarding',
        '/resources/new',
        '/settings',
        '/sign-out',
      ]),
    );
    for (const form of forms) {
      for (const { what, fields } of crafted(form.names)) {
        const told = `${form.url.pathname}${form.url.search}: ${what}`;
        const answer = await sendForm(form, fields, person.cookie);
        const html = await answer.text();
        expect(textOf(html), told).not.toMatch(OF_A_PROGRAM);
        // Without JavaScript a form is answered by a page, or by the way to one.
        if (answer.status === 303) expect(answer.headers.has('location'), told).toBe(true);
        else if (!/\/env$/.test(form.url.pathname)) expect(html, told).toMatch(/^<!doctype html>/i);
        if (answer.status === 400) expect(html, told).toMatch(REFUSAL);
        // Billing is not set up here, and Stripe's page is not reached.
        expect(answer.status, told).toSatisfy((status: number) => status < 500 || status === 503);
      }
    }
  },
  EVERY_FORM_MS,
);
