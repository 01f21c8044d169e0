import { z } from 'zod';

/** The fields of `ClientForm`, for the body of every route that a client authenticates at. */
export const clientFields = {
  client_id: z
    .string()
    .max(128)
    .optional()
    .meta({ description: 'Required if nothing else identifies the client.' }),
  client_secret: z.string().max(256).optional(),
  client_assertion: z
    .string()
    .max(4_096)
    .optional()
    .meta({ description: 'The signed JWT of `private_key_jwt` (RFC 7523).' }),
  client_assertion_type: z
    .string()
    .max(128)
    .optional()
    .meta({ description: '`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`' }),
};

/** The form of a request about one token: RFC 7662 section 2.1, RFC 7009 section 2.1. Accepts any text as the token. */
export const tokenFields = {
  token: z.string(),
  token_type_hint: z.string().max(64).optional().meta({ description: 'Accepted and ignored.' }),
  ...clientFields,
};
