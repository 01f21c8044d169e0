import type { ClientAuthenticationDeps, Presented } from './method.ts';

/** A client id and secret, wherever they stood. */
export const presentSecret = (
  { authenticateSecret }: ClientAuthenticationDeps,
  clientId: string,
  clientSecret: string,
): Presented => ({
  clientId,
  prove: () => authenticateSecret(clientId, clientSecret),
});
