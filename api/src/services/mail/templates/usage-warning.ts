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
  const reset = `The count starts again on ${resetsAt.slice(0, 10)} at 00:00 UTC.`;
  if (!isHard) return `The API still answers calls above the limit. ${reset}`;
  return percent >= 100
    ? `The API refuses further calls with 429 free_tier_limit. ${reset}`
    : `At 100 %, the API refuses further calls with 429 free_tier_limit. ${reset}`;
};

export const usageWarning: Template<UsageWarning> = {
  subject: 'Warning about your daily limit of API calls',
  write: (data) => ({
    paragraphs: [
      `Your agents have used ${data.percent} % of the ${number.format(data.max)} API calls that you have today.`,
      `${consequence(data)} Tokens are issued in any case.`,
      'Upgrade to Paid for unlimited API calls.',
    ],
    action: { label: 'Upgrade to Paid', path: '/pricing' },
  }),
};
