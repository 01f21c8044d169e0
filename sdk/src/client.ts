import type {
  AddKeyData,
  Agent,
  AgentPage,
  ChangedEmail,
  ChangePasswordData,
  Checkout,
  ConfirmEmailChangeData,
  ConfirmEmailData,
  ConfirmedEmail,
  ConfirmTwoFactorData,
  CreateCredentialData,
  CredentialPage,
  CreateResourceData,
  EndedSessions,
  GetUsageData,
  Health,
  Introspection,
  KeyCredential,
  ListAgentsData,
  ListCredentialsData,
  NewCredential,
  RecoveryCodes,
  RegisterAgentData,
  RenewRecoveryCodesData,
  RequestEmailChangeData,
  RequestPasswordResetData,
  ResetPassword,
  ResetPasswordData,
  RotateCredentialData,
  Resource,
  ResourceList,
  SecondFactorNeeded,
  Session,
  SessionList,
  SignedIn,
  SignInData,
  SignUpData,
  StartedCheckout,
  StartTwoFactorData,
  Tenant,
  TierList,
  TokenResponse,
  TurnOffTwoFactorData,
  TwoFactor,
  TwoFactorKey,
  UpdateAgentData,
  UpdateTenantData,
  Usage,
  UsageHistory,
  VerifyTwoFactorData,
} from './generated/types.gen.ts';
import { createSend } from './request.ts';
import type { Call, ClientOptions, Send } from './request.ts';

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

/**
 * An id as one segment of a path. An empty id and one of dots would make another path, such as the agent's own for a
 * credential `..`. `-` is no id, so the API answers 404.
 */
const segment = (id: string): string => (/^\.{0,2}$/.test(id) ? '-' : encodeURIComponent(id));

const agentPath = (agentId: string): string => `/agents/${segment(agentId)}`;

const agents = (send: Send) => ({
  register: (json: RegisterAgentData['body']) => send<Agent>({ method: 'POST', path: '/agents', json }),
  list: (query?: ListAgentsData['query']) => send<AgentPage>({ method: 'GET', path: '/agents', query }),
  get: (agentId: string) => send<Agent>({ method: 'GET', path: agentPath(agentId) }),
  /** `ifMatch`: the `ETag` of a response. The call fails if the agent has changed since then. */
  update: (agentId: string, json: UpdateAgentData['body'], { ifMatch }: { ifMatch?: string } = {}) =>
    send<Agent>({
      method: 'PATCH',
      path: agentPath(agentId),
      json,
      ...(ifMatch !== undefined && { headers: { 'if-match': ifMatch } }),
    }),
  suspend: (agentId: string) => send<Agent>({ method: 'POST', path: `${agentPath(agentId)}/suspend` }),
  reactivate: (agentId: string) => send<Agent>({ method: 'POST', path: `${agentPath(agentId)}/reactivate` }),
  /** Permanent. Also revokes the agent's credentials. */
  decommission: (agentId: string) => send<undefined>({ method: 'DELETE', path: agentPath(agentId) }),
  /** Only this response contains the secret. */
  createCredential: (agentId: string, json: CreateCredentialData['body'] = {}, once: Once = {}) =>
    send<NewCredential>({
      method: 'POST',
      path: `${agentPath(agentId)}/credentials`,
      json,
      ...onceHeaders(once),
    }),
  /** The public key of an agent that authenticates with private_key_jwt. */
  addKey: (agentId: string, json: AddKeyData['body']) =>
    send<KeyCredential>({ method: 'POST', path: `${agentPath(agentId)}/keys`, json }),
});

const resources = (send: Send) => ({
  create: (json: CreateResourceData['body']) => send<Resource>({ method: 'POST', path: '/resources', json }),
  list: () => send<ResourceList>({ method: 'GET', path: '/resources' }),
  delete: (resourceId: string) =>
    send<undefined>({ method: 'DELETE', path: `/resources/${segment(resourceId)}` }),
});

const credentials = (send: Send) => {
  const pathOf = (agentId: string, credentialId: string): string =>
    `${agentPath(agentId)}/credentials/${segment(credentialId)}`;
  return {
    list: (agentId: string, query?: ListCredentialsData['query']) =>
      send<CredentialPage>({ method: 'GET', path: `${agentPath(agentId)}/credentials`, query }),
    /**
     * Creates a new secret, which only this response contains. The previous one keeps working for `overlapSeconds`
     * (default: 0).
     */
    rotate: (
      agentId: string,
      credentialId: string,
      json: RotateCredentialData['body'] = {},
      once: Once = {},
    ) =>
      send<NewCredential>({
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

const auth = (send: Send) => ({
  signUp: (json: SignUpData['body']) => send<SignedIn>({ method: 'POST', path: '/auth/sign-up', json }),
  /** Returns `expiresAt` instead of the user if the sign-in needs a second factor: call `twoFactor.verify`. */
  signIn: (json: SignInData['body']) =>
    send<SignedIn | SecondFactorNeeded>({ method: 'POST', path: '/auth/sign-in', json }),
  signOut: () => send<undefined>({ method: 'POST', path: '/auth/sign-out' }),
  session: () => send<Session>({ method: 'GET', path: '/auth/session' }),
  /** Sends the signed-in user a link that confirms their email address. */
  requestVerification: () => send<undefined>({ method: 'POST', path: '/auth/verification' }),
  confirmEmail: (json: ConfirmEmailData['body']) =>
    send<ConfirmedEmail>({ method: 'POST', path: '/auth/verification/confirm', json }),
  /** Sends a link that sets a new password. The response is the same if the address has no account. */
  requestPasswordReset: (json: RequestPasswordResetData['body']) =>
    send<undefined>({ method: 'POST', path: '/auth/password/forgot', json }),
  /** Ends all sessions of the user and starts none. */
  resetPassword: (json: ResetPasswordData['body']) =>
    send<ResetPassword>({ method: 'POST', path: '/auth/password/reset', json }),
  /** Ends all sessions of the signed-in user. The response starts a new one. */
  changePassword: (json: ChangePasswordData['body']) =>
    send<undefined>({ method: 'POST', path: '/auth/password/change', json }),
  /** Sends a link to the new address. The address changes when the link is used. */
  requestEmailChange: (json: RequestEmailChangeData['body']) =>
    send<undefined>({ method: 'POST', path: '/auth/email/change', json }),
  confirmEmailChange: (json: ConfirmEmailChangeData['body']) =>
    send<ChangedEmail>({ method: 'POST', path: '/auth/email/change/confirm', json }),
});

const tenant = (send: Send) => ({
  get: () => send<Tenant>({ method: 'GET', path: '/tenant' }),
  /** For owners and admins. */
  update: (json: UpdateTenantData['body']) => send<Tenant>({ method: 'PATCH', path: '/tenant', json }),
});

const historyCall = ({ groupBy = 'day', ...days }: GetUsageData['query'] = {}): Call => ({
  method: 'GET',
  path: '/billing/usage',
  query: { groupBy, ...days },
});

const sessions = (send: Send) => ({
  list: () => send<SessionList>({ method: 'GET', path: '/auth/sessions' }),
  end: (sessionId: string) =>
    send<undefined>({ method: 'DELETE', path: `/auth/sessions/${segment(sessionId)}` }),
  /** Ends every session of the user but the one of this call. */
  endOthers: () => send<EndedSessions>({ method: 'POST', path: '/auth/sessions/end-others' }),
});

const twoFactor = (send: Send) => {
  const path = '/auth/two-factor';
  return {
    get: () => send<TwoFactor>({ method: 'GET', path }),
    /** Returns the key for an authenticator app. It is in use only after `confirm`. */
    start: (json: StartTwoFactorData['body']) =>
      send<TwoFactorKey>({ method: 'POST', path: `${path}/enrolment`, json }),
    /** Turns it on with the first code of the app. Only this response contains the recovery codes. */
    confirm: (json: ConfirmTwoFactorData['body']) =>
      send<RecoveryCodes>({ method: 'POST', path: `${path}/enrolment/confirm`, json }),
    /** Finishes a sign-in with a code of the app or a recovery code. */
    verify: (json: VerifyTwoFactorData['body']) =>
      send<SignedIn>({ method: 'POST', path: `${path}/verify`, json }),
    turnOff: (json: TurnOffTwoFactorData['body']) =>
      send<undefined>({ method: 'POST', path: `${path}/turn-off`, json }),
    /** Replaces all recovery codes. Only this response contains the new ones. */
    renewRecoveryCodes: (json: RenewRecoveryCodesData['body']) =>
      send<RecoveryCodes>({ method: 'POST', path: `${path}/recovery-codes`, json }),
  };
};

const billing = (send: Send) => ({
  usage: () => send<Usage>({ method: 'GET', path: '/billing/usage' }),
  /** By UTC day or by agent. Default: the last 30 days by day. */
  usageHistory: (query?: GetUsageData['query']) => send<UsageHistory>(historyCall(query)),
  /** The same as CSV. */
  usageHistoryCsv: (query?: GetUsageData['query']) => send<string>({ ...historyCall(query), csv: true }),
  /** Returns the URL of the tenant's open checkout, or creates one. */
  startCheckout: () => send<StartedCheckout>({ method: 'POST', path: '/billing/checkout', json: {} }),
  checkout: (checkoutId: string) =>
    send<Checkout>({ method: 'GET', path: `/billing/checkouts/${segment(checkoutId)}` }),
  tiers: () => send<TierList>({ method: 'GET', path: '/billing/tiers' }),
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
      post<Introspection>('/oauth2/introspect', client, { token }),
    /** RFC 7009: revokes a token of the client. */
    revoke: (token: string, client: ClientCredentials) =>
      post<undefined>('/oauth2/revoke', client, { token }),
    /** OAuth 2 client credentials (RFC 6749 section 4.4). */
    issue: (client: ClientCredentials) =>
      post<TokenResponse>('/oauth2/token', client, {
        grant_type: 'client_credentials',
        scope: client.scope,
        resource: client.resource,
      }),
    /**
     * RFC 8693: returns a token to act for the agent of the given token. It never has more scopes or a later expiry.
     */
    exchange: (client: ClientCredentials, subjectToken: string) =>
      post<TokenResponse>('/oauth2/token', client, {
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
  return {
    agents: agents(send),
    auth: auth(send),
    billing: billing(send),
    credentials: credentials(send),
    resources: resources(send),
    sessions: sessions(send),
    tenant: tenant(send),
    tokens: tokens(send),
    twoFactor: twoFactor(send),
    health: () => send<Health>({ method: 'GET', path: '/health' }),
  };
};

export type Client = ReturnType<typeof createClient>;
