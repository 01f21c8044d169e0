import { html } from './html.ts';
import { newId } from './ids.ts';
import { layout } from './layout.ts';
import type { Page } from './layout.ts';
import type { Stand } from './stand.ts';
import type { Confirmation } from './state.ts';

/** Keeps a payment until the person confirms it. Returns the path of the page that asks. */
export const askToConfirm = ({ state }: Stand, payment: Omit<Confirmation, 'id'>): string => {
  const id = newId('confirm_');
  state.confirmations[id] = { id, ...payment };
  return `/c/confirm/${id}`;
};

/** The bank's page of 3-D Secure. */
export const confirmationPage = (page: { id: string; what: string; origins?: string[] }): Page => {
  const body = html`<form class="card" method="post" action="/c/confirm/${page.id}">
    <h1>Confirm your payment</h1>
    <p>This is the page of your bank for 3-D Secure. You are about to pay ${page.what}.</p>
    <button name="outcome" value="succeed">Complete</button>
    <button class="second" name="outcome" value="fail">Fail</button>
  </form>`;
  return layout({ title: 'Confirm your payment', body, origins: page.origins ?? [] });
};
