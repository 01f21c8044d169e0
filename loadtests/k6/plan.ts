/** Calls that a Free tenant may make a day. */
const CALLS_A_DAY = 1_000;

/** A journey of many virtual users (VUs). Each sends its next request as soon as it has its answer. */
export interface Journey {
  name: 'register' | 'issue' | 'rotate' | 'edge';
  label: string;
  users: number;
  /** The limit of the p95. Unit: milliseconds. */
  p95Below?: number;
  /** Not set: as many as the time allows. */
  requests?: number;
  /** How many of the requests the API must let through, neither more nor fewer. */
  served?: number;
}

export const JOURNEYS: readonly Journey[] = [
  { name: 'register', label: 'register agents', users: 100, p95Below: 500 },
  { name: 'issue', label: 'issue tokens', users: 1_000, p95Below: 1_000 },
  { name: 'rotate', label: 'rotate credentials', users: 50, p95Below: 500 },
  {
    ...{ name: 'edge', label: 'the edge of the quota', users: 64 },
    ...{ requests: CALLS_A_DAY + 500, served: CALLS_A_DAY },
  },
];

/** The share of requests that may fail. */
export const ERRORS_BELOW = 0.005;

/** An agent, its credential, and the token of an agent that may change both. */
export interface Client {
  agentId: string;
  credentialId: string;
  clientSecret: string;
  managerToken: string;
}

/** What the virtual users need. */
export interface Cast {
  apiUrl: string;
  /** Agents of paying tenants. Neighbors in the list belong to different tenants. */
  clients: Client[];
  /** An agent of a Free tenant that has made no call, with its token. */
  free: { agentId: string; token: string };
}
