import type { Template } from './template.ts';

export interface UsageWarning {
  /** Of the daily limit. */
  percent: number;
  max: number;
  /** Whether calls above the limit are refused. */
  isHard: boolean;
  /** ISO 8601. */
  resetsAt: string;
}

const number = new Intl.NumberFormat('en');

const consequence = ({ percent, isHard, resetsAt }: UsageWarning): string => {
  const reset = `The limit resets on ${resetsAt.slice(0, 10)} at 00:00 UTC.`;
  if (!isHard) return `The API still serves calls above the limit. ${reset}`;
  const when = percent >= 100 ? 'Until then' : 'At the limit';
  return `${reset} ${when}, the API refuses further calls with 429 free_tier_limit.`;
};

export const usageWarning: Template<UsageWarning> = {
  subject: 'Warning about your daily limit of API calls',
  write: (data) => ({
    paragraphs: [
      // The mails of both thresholds can be sent together, so the first one says "or more".
      `Your agents have used ${data.percent >= 100 ? 'all' : `${data.percent} % or more`} of your ${number.format(data.max)} API calls for today.`,
      `${consequence(data)} Your agents can still get tokens.`,
      'The Usage page shows which agents call most. To limit one of them, set a daily cap on its page. Upgrade to Paid for unlimited API calls.',
    ],
    action: { label: 'Upgrade to Paid', path: '/pricing' },
  }),
};
