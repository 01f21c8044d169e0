import { downloadHistory } from '#lib/server/usage-history.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = downloadHistory;
