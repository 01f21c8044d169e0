import type * as Api from './generated/types.gen.ts';
import { createSend, type Call, type ClientOptions, type Send } from './request.ts';

export { ApiError } from './api-error.ts';
export type { ErrorBody } from './api-error.ts';
export type { ClientOptions } from './request.ts';
export type * from './generated/types.gen.ts';

export interface ClientCredentials {
  clientId: string;
  clientSecret: string;
  /** Space-separated. Default: all granted scopes. */
  scope?: string;
  /** The resource that the token is for. Default: the API. */
  resource?: string;
}

/** A call with the key of an earlier one gets its response again. Nothing is done twice. */
export interface Once {
  /** Up to 255 visible ASCII characters. */
  idempotencyKey?: string | undefined;
}

const onceHeaders = ({ idempotencyKey }: Once) =>
  idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } };

/** A method that posts its argument as JSON. */
const createPost =
  (send: Send) =>
  <T, D extends { body: unknown; url: string }>(path: D['url']) =>
  (json: D['body']) =>
    send<T>({ method: 'POST', path, json });

type Post = ReturnType<typeof createPost>;

/**
 * An id as one segment of a path. An empty id and one of dots would make another path, such as the agent's own for a
 * credential `..`. `-` is no id, so the API answers 404.
 */
const segment = (id: string): string => (/^\.{0,2}$/.test(id) ? '-' : encodeURIComponent(id));

const agentPath = (agentId: string): string => `/agents/${segment(agentId)}`;

const agents = (send: Send, post: Post) => ({
  register: post<Api.Agent, Api.RegisterAgentData>('/agents'),
  list: (query?: Api.ListAgentsData['query']) =>
    send<Api.AgentPage>({ method: 'GET', path: '/agents', query }),
  get: (agentId: string) => send<Api.Agent>({ method: 'GET', path: agentPath(agentId) }),
  /** `ifMatch`: the `ETag` of a response. The call fails if the agent has changed since then. */
  update: (agentId: string, json: Api.UpdateAgentData['body'], { ifMatch }: { ifMatch?: string } = {}) =>
    send<Api.Agent>({
      method: 'PATCH',
      path: agentPath(agentId),
      json,
      ...(ifMatch !== undefined && { headers: { 'if-match': ifMatch } }),
    }),
  suspend: (agentId: string) => send<Api.Agent>({ method: 'POST', path: `${agentPath(agentId)}/suspend` }),
  reactivate: (agentId: string) =>
    send<Api.Agent>({ method: 'POST', path: `${agentPath(agentId)}/reactivate` }),
  /** Permanent. Also revokes the agent's credentials. */
  decommission: (agentId: string) => send<undefined>({ method: 'DELETE', path: agentPath(agentId) }),
  /** Only this response contains the secret. */
  createCredential: (agentId: string, json: Api.CreateCredentialData['body'] = {}, once: Once = {}) =>
    send<Api.NewCredential>({
      method: 'POST',
      path: `${agentPath(agentId)}/credentials`,
      json,
      ...onceHeaders(once),
    }),
  /** The public key of an agent that authenticates with private_key_jwt. */
  addKey: (agentId: string, json: Api.AddKeyData['body']) =>
    send<Api.KeyCredential>({ method: 'POST', path: `${agentPath(agentId)}/keys`, json }),
});

const resources = (send: Send, post: Post) => ({
  create: post<Api.Resource, Api.CreateResourceData>('/resources'),
  list: () => send<Api.ResourceList>({ method: 'GET', path: '/resources' }),
  delete: (resourceId: string) =>
    send<undefined>({ method: 'DELETE', path: `/resources/${segment(resourceId)}` }),
});

const credentials = (send: Send) => {
  const pathOf = (agentId: string, credentialId: string): string =>
    `${agentPath(agentId)}/credentials/${segment(credentialId)}`;
  return {
    list: (agentId: string, query?: Api.ListCredentialsData['query']) =>
      send<Api.CredentialPage>({ method: 'GET', path: `${agentPath(agentId)}/credentials`, query }),
    /**
     * Creates a new secret, which only this response contains. The previous one keeps working for `overlapSeconds`
     * (default: 0).
     */
    rotate: (
      agentId: string,
      credentialId: string,
      json: Api.RotateCredentialData['body'] = {},
      once: Once = {},
    ) =>
      send<Api.NewCredential>({
        method: 'POST',
        path: `${pathOf(agentId, credentialId)}/rotate`,
        json,
        ...onceHeaders(once),
      }),
    endOverlap: (agentId: string, credentialId: string) =>
      send<undefined>({ method: 'DELETE', path: `${pathOf(agentId, credentialId)}/previous` }),
    revoke: (agentId: string, credentialId: string) =>
      send<undefined>({ method: 'DELETE', path: pathOf(agentId, credentialId) }),
  };
};

const auth = (send: Send, post: Post) => ({
  signUp: post<Api.SignedIn, Api.SignUpData>('/auth/sign-up'),
  /** Returns `expiresAt` instead of the user if the sign-in needs a second factor: call `twoFactor.verify`. */
  signIn: post<Api.SignedIn | Api.SecondFactorNeeded, Api.SignInData>('/auth/sign-in'),
  signOut: () => send<undefined>({ method: 'POST', path: '/auth/sign-out' }),
  session: () => send<Api.Session>({ method: 'GET', path: '/auth/session' }),
  /** Sends the signed-in user a link that confirms their email address. */
  requestVerification: () => send<undefined>({ method: 'POST', path: '/auth/verification' }),
  confirmEmail: post<Api.ConfirmedEmail, Api.ConfirmEmailData>('/auth/verification/confirm'),
  /** Sends a link that sets a new password. The response is the same if the address has no account. */
  requestPasswordReset: post<undefined, Api.RequestPasswordResetData>('/auth/password/forgot'),
  /** Ends all sessions of the user and starts none. */
  resetPassword: post<Api.ResetPassword, Api.ResetPasswordData>('/auth/password/reset'),
  /** Ends all sessions of the signed-in user. The response starts a new one. */
  changePassword: post<undefined, Api.ChangePasswordData>('/auth/password/change'),
  /** Sends a link to the new address. The address changes when the link is used. */
  requestEmailChange: post<undefined, Api.RequestEmailChangeData>('/auth/email/change'),
  confirmEmailChange: post<Api.ChangedEmail, Api.ConfirmEmailChangeData>('/auth/email/change/confirm'),
});

const tenant = (send: Send) => ({
  get: () => send<Api.Tenant>({ method: 'GET', path: '/tenant' }),
  /** For owners and admins. */
  update: (json: Api.UpdateTenantData['body']) =>
    send<Api.Tenant>({ method: 'PATCH', path: '/tenant', json }),
});

const historyCall = ({ groupBy = 'day', ...days }: Api.GetUsageData['query'] = {}): Call => ({
  method: 'GET',
  path: '/billing/usage',
  query: { groupBy, ...days },
});

const sessions = (send: Send) => ({
  list: () => send<Api.SessionList>({ method: 'GET', path: '/auth/sessions' }),
  end: (sessionId: string) =>
    send<undefined>({ method: 'DELETE', path: `/auth/sessions/${segment(sessionId)}` }),
  /** Ends every session of the user but the one of this call. */
  endOthers: () => send<Api.EndedSessions>({ method: 'POST', path: '/auth/sessions/end-others' }),
});

const twoFactor = (send: Send, post: Post) => ({
  get: () => send<Api.TwoFactor>({ method: 'GET', path: '/auth/two-factor' }),
  /** Returns the key for an authenticator app. It is in use only after `confirm`. */
  start: post<Api.TwoFactorKey, Api.StartTwoFactorData>('/auth/two-factor/enrolment'),
  /** Turns it on with the first code of the app. Only this response contains the recovery codes. */
  confirm: post<Api.RecoveryCodes, Api.ConfirmTwoFactorData>('/auth/two-factor/enrolment/confirm'),
  /** Finishes a sign-in with a code of the app or a recovery code. */
  verify: post<Api.SignedIn, Api.VerifyTwoFactorData>('/auth/two-factor/verify'),
  turnOff: post<undefined, Api.TurnOffTwoFactorData>('/auth/two-factor/turn-off'),
  /** Replaces all recovery codes. Only this response contains the new ones. */
  renewRecoveryCodes: post<Api.RecoveryCodes, Api.RenewRecoveryCodesData>('/auth/two-factor/recovery-codes'),
});

const billing = (send: Send) => ({
  usage: () => send<Api.Usage>({ method: 'GET', path: '/billing/usage' }),
  /** The usage, its history of 30 days and all tiers, in one response. */
  usageReport: (query?: Api.GetUsageReportData['query']) =>
    send<Api.UsageReport>({ method: 'GET', path: '/billing/usage/report', query }),
  /** By UTC day or by agent. Default: the last 30 days by day. */
  usageHistory: (query?: Api.GetUsageData['query']) => send<Api.UsageHistory>(historyCall(query)),
  /** The same as CSV. */
  usageHistoryCsv: (query?: Api.GetUsageData['query']) => send<string>({ ...historyCall(query), csv: true }),
  /** Returns the URL of the tenant's open checkout, or creates one. */
  startCheckout: (json: Api.StartCheckoutData['body'] = {}) =>
    send<Api.StartedCheckout>({ method: 'POST', path: '/billing/checkout', json }),
  checkout: (checkoutId: string) =>
    send<Api.Checkout>({ method: 'GET', path: `/billing/checkouts/${segment(checkoutId)}` }),
  subscription: () => send<Api.Subscription>({ method: 'GET', path: '/billing/subscription' }),
  /** Ends the subscription with its period. Returns it as it is then. */
  cancel: () => send<Api.Subscription>({ method: 'POST', path: '/billing/subscription/cancel', json: {} }),
  /** Undoes `cancel` before the period has ended. */
  resume: () => send<Api.Subscription>({ method: 'POST', path: '/billing/subscription/resume', json: {} }),
  /** Returns the URL of the billing portal at Stripe, which soon expires. */
  openPortal: (json: Api.OpenPortalData['body'] = {}) =>
    send<Api.OpenedPortal>({ method: 'POST', path: '/billing/portal', json }),
  /** Newest first. */
  invoices: (query: Api.ListInvoicesData['query'] = {}) =>
    send<Api.InvoicePage>({ method: 'GET', path: '/billing/invoices', query }),
  tiers: () => send<Api.TierList>({ method: 'GET', path: '/billing/tiers' }),
});

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
const basic = ({ clientId, clientSecret }: ClientCredentials): string => {
  const encode = (text: string) => new URLSearchParams({ text }).toString().slice('text='.length);
  return `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}`;
};

type Form = NonNullable<Parameters<Send>[0]['form']>;

const tokens = (send: Send) => {
  const post = <T>(path: string, client: ClientCredentials, form: Form) =>
    send<T>({ method: 'POST', path, form, headers: { authorization: basic(client) } });
  return {
    /** RFC 7662: the claims of an active token of your tenant, else only `active: false`. */
    introspect: (token: string, client: ClientCredentials) =>
      post<Api.Introspection>('/oauth2/introspect', client, { token }),
    /** RFC 7009: revokes a token of the client. */
    revoke: (token: string, client: ClientCredentials) =>
      post<undefined>('/oauth2/revoke', client, { token }),
    /** OAuth 2 client credentials (RFC 6749 section 4.4). */
    issue: (client: ClientCredentials) =>
      post<Api.TokenResponse>('/oauth2/token', client, {
        grant_type: 'client_credentials',
        scope: client.scope,
        resource: client.resource,
      }),
    /**
     * RFC 8693: returns a token to act for the agent of the given token. It never has more scopes or a later expiry.
     */
    exchange: (client: ClientCredentials, subjectToken: string) =>
      post<Api.TokenResponse>('/oauth2/token', client, {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope: client.scope,
        resource: client.resource,
      }),
  };
};

/** A client of the SentryAgent API. If a call fails, its method rejects with an ApiError. */
export const createClient = (options: ClientOptions) => {
  const send = createSend(options);
  const post = createPost(send);
  return {
    agents: agents(send, post),
    auth: auth(send, post),
    billing: billing(send),
    credentials: credentials(send),
    resources: resources(send, post),
    sessions: sessions(send),
    tenant: tenant(send),
    tokens: tokens(send),
    twoFactor: twoFactor(send, post),
    health: () => send<Api.Health>({ method: 'GET', path: '/health' }),
    /** Probes each service. Also resolves if one is unreachable. */
    detailedHealth: () => send<Api.DetailedHealth>({ method: 'GET', path: '/health/detailed', expects: 503 }),
  };
};

export type Client = ReturnType<typeof createClient>;
