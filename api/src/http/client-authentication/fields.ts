import { z } from 'zod';

/** For the body of every route that a client authenticates at. */
export const clientFields = {
  client_id: z.string().max(128).optional().meta({ description: 'Where nothing else names the client.' }),
  client_secret: z.string().max(256).optional(),
};
