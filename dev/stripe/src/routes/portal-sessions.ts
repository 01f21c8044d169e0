import { timeOf } from '../clocks.ts';
import { invalid } from '../errors.ts';
import { newId } from '../ids.ts';
import { required, text, url } from '../parameters.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import type { PortalConfiguration, PortalSession } from '../wire.ts';
import { route } from './route.ts';

/** Without one, Stripe takes the default of the account, which only its dashboard can make. */
const configurationOf = ({ state }: Stand, id: string | undefined): PortalConfiguration => {
  const found =
    id === undefined
      ? Object.values(state.configurations).find((one) => one.is_default)
      : find(state.configurations, id, 'configuration', 'configuration');
  if (!found) {
    throw invalid(
      'No configuration provided and your test mode default configuration has not been created. Provide a configuration.',
    );
  }
  if (!found.active) throw invalid('The configuration is inactive.', { param: 'configuration' });
  return found;
};

export const portalSessions = [
  route(
    'POST /v1/billing_portal/sessions',
    { configuration: text, customer: required(text), return_url: url },
    (stand, { params, cause }) => {
      const { state } = stand;
      const customer = find(state.customers, params.customer, 'customer', 'customer');
      const configuration = configurationOf(stand, params.configuration);
      const id = newId('bps_1');
      const session: PortalSession = {
        id,
        object: 'billing_portal.session',
        configuration: configuration.id,
        created: timeOf(stand, { test_clock: null }),
        customer: customer.id,
        customer_account: null,
        flow: null,
        livemode: false,
        locale: null,
        on_behalf_of: null,
        return_url: params.return_url ?? configuration.default_return_url,
        url: `${stand.origin}/p/session/${id}`,
      };
      state.portals[id] = session;
      stand.emit(cause, 'billing_portal.session.created', session);
      return session;
    },
  ),
];
