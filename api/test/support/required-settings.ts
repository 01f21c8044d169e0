export const KEY = Buffer.alloc(32, 1).toString('base64');

/** The settings without a default, with values that must appear in no message. */
export const required = {
  APP_DATABASE_URL: 'postgres://login:canary-password@127.0.0.1:5432/sentryagent',
  AUTH_SECRET: 'canary secret of 32 characters ..',
  KEY_ENCRYPTION_KEYS: `k1:${KEY}`,
  CLIENT_SECRET_PEPPERS: `p1:${KEY}`,
};
