import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { html } from './html.ts';
import type { Markup } from './html.ts';

const STYLE = readFileSync(new URL('./style.css', import.meta.url), 'utf8');
/** The CSP hash must match the exact text, so formatting must not change it. */
const STYLE_ELEMENT: Markup = { markup: `<style>${STYLE}</style>` };
const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

export interface Page {
  status: number;
  html: string;
  headers: Record<string, string>;
}

export interface Redirect {
  status: 303;
  location: string;
}

/** A file to download. */
export interface Download {
  status: 200;
  name: string;
  type: string;
  content: Buffer;
}

/** A whole page. Its form can redirect to these origins, because browsers apply `form-action` to redirects. */
export const layout = (page: {
  title: string;
  body: Markup;
  status?: number;
  origins?: string[];
  wide?: boolean;
}): Page => {
  const { title, body, status = 200, origins = [], wide = false } = page;
  const { markup } = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <header class="banner">Local stand-in for Stripe. No money moves.</header>
        <main class="${wide ? 'wide' : 'narrow'}">${body}</main>
      </body>
    </html>`;
  const policy = [
    "default-src 'none'",
    `style-src ${STYLE_HASH}`,
    'img-src data:',
    `form-action ${["'self'", ...origins].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return {
    status,
    html: markup,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'x-content-type-options': 'nosniff',
      // Without an Origin, a form of ours would look like one of another site.
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    },
  };
};
