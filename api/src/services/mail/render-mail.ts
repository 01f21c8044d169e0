import { kinds, type MailData, type MailKind } from './kinds.ts';
import { plainTexts } from './plain.ts';
import type { Content } from './templates/template.ts';

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

type Format = (subject: string, content: Content, url: string) => string;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);

const toText: Format = (_subject, { paragraphs, list = [], action }, url) => {
  const items = list.map((item) => `- ${item}`).join('\n');
  return `${[...paragraphs, items, `${action.label}:\n${url}`].filter(Boolean).join('\n\n')}\n`;
};

/** Stops Apple Mail from turning numbers and addresses into links. */
const NO_DETECTION = 'telephone=no, date=no, address=no, email=no, url=no';

const toHtml: Format = (subject, { paragraphs, list = [], action }, url) =>
  [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(subject)}</title>`,
    `<meta name="format-detection" content="${NO_DETECTION}"></head>`,
    '<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 2em auto; padding: 0 1em">',
    ...paragraphs.map((paragraph) => `<p>${escape(paragraph)}</p>`),
    ...(list.length > 0 ? ['<ul>', ...list.map((item) => `<li>${escape(item)}</li>`), '</ul>'] : []),
    `<p><a href="${escape(url)}">${escape(action.label)}</a></p>`,
    '</body></html>',
  ].join('\n');

/** A mail links only to pages of the dashboard. */
const urlOf = ({ path, query = {} }: Content['action'], dashboardUrl: string): string => {
  const search = new URLSearchParams(query).toString();
  return `${dashboardUrl}${path}${search && `?${search}`}`;
};

/** A newer version queued it. Retrying in this version cannot help. */
export class UnknownMailKind extends Error {
  override readonly name = 'UnknownMailKind';
}

export const renderMail = <K extends MailKind>(
  kind: K,
  data: MailData[K],
  dashboardUrl: string,
): RenderedMail => {
  if (!Object.hasOwn(kinds, kind)) throw new UnknownMailKind(kind);
  const { subject, write } = kinds[kind];
  const content = write(plainTexts(data));
  const url = urlOf(content.action, dashboardUrl);
  return { subject, text: toText(subject, content, url), html: toHtml(subject, content, url) };
};
