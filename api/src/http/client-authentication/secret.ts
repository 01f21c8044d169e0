import type { ClientAuthenticationDeps, Presented } from './method.ts';

/** A client id and secret from the header or the form. */
export const presentSecret = (
  { authenticateSecret }: ClientAuthenticationDeps,
  clientId: string,
  clientSecret: string,
): Presented => ({
  clientId,
  prove: () => authenticateSecret(clientId, clientSecret),
});
