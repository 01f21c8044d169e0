import { createClient } from '@sentryagent/sdk';
import { expect, it } from 'vitest';
import { agentToken, signUpByHttp } from './support/people.ts';
import { startStack } from './support/stack.ts';

it('Stopping the API flushes its counts', async () => {
  const stack = await startStack();
  const person = await signUpByHttp(stack);
  const token = await agentToken(stack, person);
  const api = createClient({ baseUrl: stack.apiUrl, headers: { authorization: `Bearer ${token}` } });
  for (let i = 0; i < 7; i++) await api.agents.list();
  const stored = () =>
    stack.sql(`select coalesce(sum(count), 0)::int as calls from usage_events where metric = 'api_calls'`);
  expect(await stored()).toEqual([{ calls: 0 }]);
  await stack.stopApi();
  expect(await stored()).toEqual([{ calls: 7 }]);
  await stack.close();
});
