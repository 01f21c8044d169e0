import { newId } from '../ids.ts';
import * as kinds from '../parameters.ts';
import { change } from '../stand.ts';
import type { Stand } from '../stand.ts';
import { find } from '../state.ts';
import type { PortalConfiguration } from '../wire.ts';
import { page, paging } from './lists.ts';
import { route } from './route.ts';

const { arrayOf, emptyable, fields, flag, mergeMetadata, metadata, oneOf, required, text, url } = kinds;

const enabled = required(flag);

const features = fields({
  customer_update: fields({
    enabled,
    allowed_updates: emptyable(arrayOf(oneOf('address', 'email', 'name', 'phone', 'shipping', 'tax_id'))),
  }),
  invoice_history: fields({ enabled }),
  payment_method_update: fields({ enabled }),
  subscription_cancel: fields({
    enabled,
    mode: oneOf('at_period_end', 'immediately'),
    proration_behavior: oneOf('none', 'create_prorations', 'always_invoice'),
  }),
});

type Features = PortalConfiguration['features'];

const NONE: Features = {
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: { enabled: false, feedback_options: null, options: [] },
    enabled: false,
    mode: 'at_period_end',
    proration_behavior: 'none',
  },
  subscription_update: {
    billing_cycle_anchor: null,
    default_allowed_updates: [],
    enabled: false,
    proration_behavior: 'none',
    schedule_at_period_end: { conditions: [] },
    trial_update_behavior: 'end_trial',
  },
};

/** Merges the given features over the current ones. */
const withFeatures = (old: Features, given: ReturnType<typeof features> | undefined): Features => {
  const { customer_update: update, ...rest } = given ?? {};
  const allowed = update && { ...update, allowed_updates: update.allowed_updates ?? [] };
  const named = Object.entries({ ...rest, ...(allowed && { customer_update: allowed }) });
  const merged = named.map(([name, feature]) => [name, { ...old[name as keyof Features], ...feature }]);
  return { ...old, ...(Object.fromEntries(merged) as Partial<Features>) };
};

const business = fields({
  headline: emptyable(text),
  privacy_policy_url: url,
  terms_of_service_url: url,
});

const optional = {
  business_profile: business,
  default_return_url: emptyable(url),
  metadata,
  name: emptyable(text),
};

const configurationOf = ({ state }: Stand, id: string): PortalConfiguration =>
  find(state.configurations, id, 'configuration');

const path = '/v1/billing_portal/configurations/{configuration}';

export const portalConfigurations = [
  route(
    'POST /v1/billing_portal/configurations',
    { ...optional, features: required(features) },
    (stand, { params, cause }) => {
      const configuration: PortalConfiguration = {
        id: newId('bpc_1'),
        object: 'billing_portal.configuration',
        active: true,
        application: null,
        business_profile: {
          headline: null,
          privacy_policy_url: null,
          terms_of_service_url: null,
          ...params.business_profile,
        },
        created: stand.now(),
        default_return_url: params.default_return_url ?? null,
        features: withFeatures(structuredClone(NONE), params.features),
        is_default: false,
        livemode: false,
        login_page: { enabled: false, url: null },
        metadata: mergeMetadata({}, params.metadata),
        name: params.name ?? null,
        updated: stand.now(),
      };
      stand.state.configurations[configuration.id] = configuration;
      stand.emit(cause, 'billing_portal.configuration.created', configuration);
      return configuration;
    },
  ),

  route(`GET ${path}`, {}, (stand, { id }) => configurationOf(stand, id)),

  route(`POST ${path}`, { ...optional, active: flag, features }, (stand, { id, params, cause }) => {
    const configuration = configurationOf(stand, id);
    const { business_profile: profile, features: given, metadata: data, ...rest } = params;
    return change(stand, cause, 'billing_portal.configuration.updated', configuration, {
      ...rest,
      business_profile: { ...configuration.business_profile, ...profile },
      features: withFeatures(configuration.features, given),
      metadata: mergeMetadata(configuration.metadata ?? {}, data),
      updated: stand.now(),
    });
  }),

  route(
    'GET /v1/billing_portal/configurations',
    { ...paging, active: flag, is_default: flag },
    ({ state }, { params }) => {
      const { active, is_default: isDefault } = params;
      return page(
        '/v1/billing_portal/configurations',
        state.configurations,
        params,
        (one) =>
          (active === undefined || one.active === active) &&
          (isDefault === undefined || one.is_default === isDefault),
      );
    },
  ),
];
