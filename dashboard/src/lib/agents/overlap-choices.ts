/** How long the old secret still works after a rotation, in seconds. */
export const overlapChoices: readonly { value: string; name: string }[] = [
  { value: '0', name: 'None: it stops working at once' },
  { value: '3600', name: '1 hour' },
  { value: '86400', name: '24 hours' },
  { value: '604800', name: '7 days' },
];

export const defaultOverlap = '86400';
