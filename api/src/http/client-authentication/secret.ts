import type { ClientAuthenticationDeps, Presented } from './method.ts';

/** A client id and secret, wherever they stood. */
export const presentSecret = (
  { authenticateClient }: ClientAuthenticationDeps,
  clientId: string,
  clientSecret: string,
): Presented => ({
  clientId,
  prove: () => authenticateClient(clientId, clientSecret),
});
