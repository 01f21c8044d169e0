import { API_URL, CHECKOUT_ORIGIN, ORIGIN, PORTAL_ORIGIN, PUBLIC_API_URL } from '$app/env/private';
import { parseConfig } from './parse-config.ts';

/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;

const { config, problems } = parseConfig({
  API_URL,
  PUBLIC_API_URL,
  ORIGIN,
  CHECKOUT_ORIGIN,
  PORTAL_ORIGIN,
});

export { config };

/** If settings are missing or invalid, prints all problems and exits. */
export const checkConfig = (): void => {
  if (problems.length === 0) return;
  console.error(['The dashboard cannot start with these settings:', ...problems].join('\n  '));
  process.exit(EXIT_CONFIG);
};
