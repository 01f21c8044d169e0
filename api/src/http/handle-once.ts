import type { Deps } from '../deps.ts';
import type { TenantDatabase } from '../platform/database.ts';
import type { Principal } from '../platform/principal.ts';
import { fieldProblem } from '../platform/field-problem.ts';
import { checkMayGetSecretAgain } from '../services/agents/check-may-get-secret-again.ts';
import { answerOnce, type Attempt } from '../services/idempotency/answer-once.ts';
import type { Answer, Request, Route } from './route.ts';

const readKey = (headers: Request['headers']): string | undefined => {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const words = 'must be 1 to 255 visible ASCII characters';
  throw fieldProblem([{ path: ['headers', 'Idempotency-Key'], words }]);
};

/** Such a route creates or replaces a secret of the agent in its path. */
const secretCheck = ({ params }: Request, principal: Principal): Attempt['checkMayGetSecretAgain'] => {
  const { agentId } = params as { agentId: string };
  return (trx, now) => checkMayGetSecretAgain(trx, principal, { agentId, now });
};

/**
 * Runs the handler of a route. If the route is repeatable and the caller sends an `Idempotency-Key`, once per key. The
 * handler of a repeatable route gets the same parts with and without a key.
 */
export const handleOnce = async (
  deps: Deps,
  route: Route,
  request: Request,
  principal: Principal | undefined,
): Promise<Answer> => {
  if (!route.repeatable || !principal) return route.handle(deps, request, principal);
  const { clock, config, peppers } = deps;
  const handle = (db: TenantDatabase): Promise<Answer> =>
    route.handle({ clock, config, peppers, db }, request, principal);
  const key = readKey(request.headers);
  if (key === undefined)
    return handle({ withTenant: (tenantId, work) => deps.db.withTenant(tenantId, work) });
  const { answer, replayed } = await answerOnce(
    { ...deps, keys: config.KEY_ENCRYPTION_KEYS },
    {
      principal,
      operation: route.operationId,
      key,
      input: { params: request.params, body: request.body },
      checkMayGetSecretAgain: route.repeatable === 'secret' ? secretCheck(request, principal) : undefined,
    },
    handle,
  );
  return replayed ? { ...answer, headers: { ...answer.headers, 'Idempotent-Replayed': 'true' } } : answer;
};
