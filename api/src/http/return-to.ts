import { z } from 'zod';

/** A path of the dashboard. A browser reads `//x`, `/\x` and a tab after the slash as another host. */
const dashboardPath = z
  .string()
  .max(512)
  .regex(/^\/([\x21-\x2e\x30-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]*)?$/, {
    error: 'must be a path of the dashboard, such as /billing',
  });

export const returnTo = dashboardPath
  .optional()
  .meta({ description: 'The page of the dashboard to return to, such as `/billing`.' });
