import type { Deps } from '../deps.ts';
import type { Principal } from '../platform/principal.ts';
import { Problem } from '../platform/problem.ts';
import { answerOnce } from '../services/idempotency/answer-once.ts';
import type { Answer, Request, Route } from './route.ts';

const readKey = (headers: Request['headers']): string | undefined => {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new Problem('validation_failed', 'Idempotency-Key: must be 1 to 255 visible ASCII characters');
};

/** Runs the handler of a route. If the route is repeatable and the caller sends an `Idempotency-Key`, once per key. */
export const handleOnce = async (
  deps: Deps,
  route: Route,
  request: Request,
  principal: Principal | undefined,
): Promise<Answer> => {
  const key = route.repeatable && principal ? readKey(request.headers) : undefined;
  if (key === undefined || !principal) return route.handle(deps, request, principal);
  const { clock, config, peppers } = deps;
  const { answer, replayed } = await answerOnce(
    { ...deps, keys: config.KEY_ENCRYPTION_KEYS },
    {
      principal,
      operation: route.operationId,
      key,
      input: { params: request.params, body: request.body },
      secretOf: route.repeatable === 'secret' ? (request.params as { agentId?: string }).agentId : undefined,
    },
    (db) => route.handle({ clock, config, peppers, db }, request, principal),
  );
  return replayed ? { ...answer, headers: { ...answer.headers, 'Idempotent-Replayed': 'true' } } : answer;
};
