import Bot from '@lucide/svelte/icons/bot';
import ChartColumn from '@lucide/svelte/icons/chart-column';
import CreditCard from '@lucide/svelte/icons/credit-card';
import Layers from '@lucide/svelte/icons/layers';
import Settings from '@lucide/svelte/icons/settings';

/** The main navigation of the console, in its order. A page below an entry keeps the entry marked. */
export const links = [
  { path: 'usage', name: 'Usage', icon: ChartColumn },
  { path: 'agents', name: 'Agents', icon: Bot },
  { path: 'resources', name: 'Resources', icon: Layers },
  { path: 'billing', name: 'Billing', icon: CreditCard },
  { path: 'settings', name: 'Settings', icon: Settings },
] as const;

/** Pages whose path is not below their entry. */
const elsewhere: Readonly<Record<string, string>> = { '/onboarding': '/agents' };

/** Whether the page is the entry's own, or below it. */
export const isWithin = (path: string, pathname: string): boolean => {
  const place = elsewhere[pathname] ?? pathname;
  return place === `/${path}` || place.startsWith(`/${path}/`);
};
