/** What each kind of mail is told. Times are ISO 8601. */
export interface MailData {
  credential_expiry: {
    agentId: string;
    agentName: string;
    credentialId: string;
    expiresAt: string;
    daysLeft: number;
  };
}

export type MailKind = keyof MailData;

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** One template for both forms: paragraphs, then one thing to do. */
interface Content {
  subject: string;
  paragraphs: string[];
  action: { label: string; url: string };
}

const day = (instant: string): string => instant.slice(0, 10);

const contents: { [K in MailKind]: (data: MailData[K], dashboardUrl: string) => Content } = {
  credential_expiry: ({ agentName, credentialId, expiresAt, daysLeft }, dashboardUrl) => ({
    subject: `A credential of ${agentName} expires ${daysLeft <= 1 ? 'within a day' : `in ${daysLeft} days`}`,
    paragraphs: [
      `The credential ${credentialId} of the agent ${agentName} expires on ${day(expiresAt)} (UTC).`,
      'From then on the agent gets no more tokens with it. Rotate it, or make a new one and put that in its place, before that day.',
    ],
    action: { label: 'See your agents', url: `${dashboardUrl}/agents` },
  }),
};

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);

const toText = ({ paragraphs, action }: Content): string =>
  `${[...paragraphs, `${action.label}: ${action.url}`].join('\n\n')}\n`;

const toHtml = ({ subject, paragraphs, action }: Content): string =>
  [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(subject)}</title></head>`,
    '<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 2em auto; padding: 0 1em">',
    ...paragraphs.map((paragraph) => `<p>${escape(paragraph)}</p>`),
    `<p><a href="${escape(action.url)}">${escape(action.label)}</a></p>`,
    '</body></html>',
  ].join('\n');

/** A header is one line: a name must not begin another. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ');

export const renderMail = <K extends MailKind>(
  kind: K,
  data: MailData[K],
  dashboardUrl: string,
): RenderedMail => {
  const content = contents[kind](data, dashboardUrl);
  return { subject: oneLine(content.subject), text: toText(content), html: toHtml(content) };
};
