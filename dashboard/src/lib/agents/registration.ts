import { leastScopes } from './scopes.ts';

/** What the register form sends. */
export interface Registration {
  name: string;
  scopes: readonly string[];
  deploymentEnv: string;
  /** When the first secret expires. Empty: never. */
  expiresAt: string;
}

export const defaultRegistration: Registration = {
  name: '',
  scopes: leastScopes,
  deploymentEnv: 'production',
  expiresAt: '',
};

/** Whether nothing but the name was chosen. */
export const isDefault = ({ scopes, deploymentEnv, expiresAt }: Registration): boolean =>
  scopes.join() === leastScopes.join() &&
  deploymentEnv === defaultRegistration.deploymentEnv &&
  expiresAt === '';
