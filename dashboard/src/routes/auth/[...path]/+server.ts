import { passOn } from '#lib/server/proxy.ts';
import type { RequestHandler } from './$types';

export const fallback: RequestHandler = passOn;
