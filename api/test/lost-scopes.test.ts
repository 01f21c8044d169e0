import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { call, registerAgent, signUp } from './support/callers.ts';
import type { TestAgent, TestMember } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
/** A second process of the same deployment. */
let second: TestApi;
let member: TestMember;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  api = await startApi({ env });
  second = await startApi({ env, database: api.database });
  member = await signUp(api);
});
afterAll(async () => {
  await second.close();
  await api.close();
});

const grant = (agent: TestAgent, ...scopes: string[]) =>
  member.send('PATCH', `/agents/${agent.agentId}`, { scopes });

/** What each process answers to a call with the token. */
const use = (token: string): Promise<number[]> =>
  Promise.all(
    [api, second].map(
      async (process) =>
        (await call(process, '/agents', { headers: { authorization: `Bearer ${token}` } })).status,
    ),
  );

/** Every process refuses them; how soon is judged by a proof. */
const end = (...tokens: string[]): Promise<void> =>
  until('the tokens are refused', async () => {
    const answers = await Promise.all(tokens.map(use));
    return answers.flat().every((status) => status === 401);
  });

/** A token of what is left: a process that has just looked the client up gives none. */
const newToken = async (agent: TestAgent): Promise<string> => {
  let token: unknown;
  await until('a token is issued', async () => {
    token = (await agent.requestToken()).body.access_token;
    return token !== undefined;
  });
  return token as string;
};

const exchange = async (by: TestAgent, token: string, process = api, form = {}) =>
  by.requestToken(
    {
      ...form,
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    },
    process,
  );

it('A token that says more than is left ends within a second', async () => {
  const agent = await registerAgent(api, member, ['agents:read', 'audit:read']);
  const other = await registerAgent(api, member, ['agents:read', 'audit:read']);
  const token = await agent.token();
  const exchanged = (await exchange(other, token)).body.access_token as string;
  const unrelated = await other.token();
  expect([await use(token), await use(exchanged)]).toEqual([
    [200, 200],
    [200, 200],
  ]);
  expect((await grant(agent, 'agents:read')).status).toBe(200);
  await end(token, exchanged);
  expect([await use(await newToken(agent)), await use(unrelated)]).toEqual([
    [200, 200],
    [200, 200],
  ]);
});

it('What is exchanged after the loss from a token of before ends with it', async () => {
  const other = await registerAgent(api, member, ['agents:read', 'audit:read']);
  let exchanged: unknown;
  // A process that hears by its poll alone accepts the subject's token for up to half a second more.
  await api.sql('alter table not_before_marks disable trigger notify_token_feed');
  try {
    await until('an exchange comes before the poll', async () => {
      const agent = await registerAgent(api, member, ['agents:read', 'audit:read']);
      const token = await agent.token();
      expect((await grant(agent, 'agents:read')).status).toBe(200);
      // What is left may still be asked for.
      const { body } = await exchange(other, token, second, { scope: 'agents:read' });
      exchanged = body.access_token;
      return exchanged !== undefined;
    });
  } finally {
    await api.sql('alter table not_before_marks enable trigger notify_token_feed');
  }
  await end(exchanged as string);
});

it('A scope that is added ends nothing', async () => {
  const agent = await registerAgent(api, member, ['agents:read']);
  const token = await agent.token();
  expect((await grant(agent, 'audit:read', 'agents:read')).status).toBe(200);
  await Promise.all([api, second].map(({ deps }) => deps.tokenFeed.refresh()));
  expect(await use(token)).toEqual([200, 200]);
});

interface Issued {
  token: string;
  sentAfter: boolean;
}

it('No token slips past a loss of scope', async () => {
  const agent = await registerAgent(api, member, ['agents:read', 'audit:read']);
  const other = await registerAgent(api, member, ['agents:read', 'audit:read']);
  const subject = await agent.token();
  const issued: Issued[] = [];
  let isAnswered = false;
  let isOver = false;
  const client = async (index: number): Promise<void> => {
    const process = index % 2 ? api : second;
    while (!isOver) {
      const sentAfter = isAnswered;
      const reply = await (index % 4 < 2
        ? agent.requestToken({}, process)
        : exchange(other, subject, process));
      if (reply.status === 200) issued.push({ token: reply.body.access_token as string, sentAfter });
      else expect(reply.status).toBe(400);
    }
  };
  const clients = Array.from({ length: 16 }, (_, index) => client(index));
  await until('tokens are issued', () => issued.length >= 60);
  expect((await grant(agent, 'agents:read')).status).toBe(200);
  isAnswered = true;
  await until('tokens are issued again', () => issued.filter(({ sentAfter }) => sentAfter).length > 60);
  isOver = true;
  await Promise.all(clients);

  const wide = issued.filter(({ token }) => String(decodeJwt(token).scope).includes('audit:read'));
  expect(wide.length).toBeGreaterThan(0);
  expect(wide.filter(({ sentAfter }) => sentAfter)).toEqual([]);
  await end(...wide.map(({ token }) => token));
  expect(await use(await newToken(agent))).toEqual([200, 200]);
});

it('ends tokens of a process whose clock is ahead, too', async () => {
  const clock = () => new Date(Date.now() + 1_500);
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  const ahead = await startApi({ env, database: api.database, clock });
  const agent = await registerAgent(api, member, ['agents:read', 'audit:read']);
  const token = (await agent.requestToken({}, ahead)).body.access_token as string;
  expect((await grant(agent, 'agents:read')).status).toBe(200);
  await end(token);
  await ahead.close();
});
