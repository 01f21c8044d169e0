import type { CallCap } from '@sentryagent/sdk';

export const capModes: Readonly<Record<CallCap['mode'], { name: string; words: string }>> = {
  enforce: { name: 'Refuse further calls', words: 'Further calls get 429 until 00:00 UTC.' },
  report: {
    name: 'Only show it on the Usage tab',
    words: 'Further calls are served. The Usage tab shows that the agent is over its cap.',
  },
};

/** The cap as the fields of a form. An empty `max` is no cap. */
export const capValues = (cap: CallCap | null) => ({
  'callCap.max': cap ? String(cap.max) : '',
  'callCap.mode': cap?.mode ?? 'enforce',
});
