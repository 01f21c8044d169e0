import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApiProcess } from './support/api-process.ts';
import type { ApiProcess } from './support/api-process.ts';
import { insist, post, registerAgent, signUp } from './support/callers.ts';
import { NO_RATE, callsOf, sendCalls } from './support/metered.ts';
import { writeProof } from './support/proof-report.ts';
import { createTestDatabase, dropTestDatabase } from './support/servers.ts';

const ROUNDS = 10;

let database: string;
let apis: ApiProcess[];
beforeAll(async () => {
  database = await createTestDatabase();
  apis = [await startApiProcess(database, NO_RATE), await startApiProcess(database, NO_RATE)];
});
afterAll(async () => {
  for (const api of apis) await api.end('SIGKILL');
  await dropTestDatabase(database);
});

it('Parallel calls stop exactly at one thousand, and registrations at ten', async () => {
  const rounds: { served: number; registered: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const member = await signUp(apis[0]!);
    const token = await (await registerAgent(apis[0]!, member)).token();
    const served = await sendCalls(apis, token, 6_400, 64);
    expect(await callsOf(member)).toBe(served);
    const other = await signUp(apis[0]!);
    const replies = await Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        insist(() => post(apis[i % 2]!, '/agents', { name: `agent ${i}` }, { cookie: other.cookie })),
      ),
    );
    const registered = replies.filter(({ status }) => status === 201).length;
    rounds.push({ served, registered });
    console.log(rounds.at(-1));
  }
  expect(rounds).toEqual(Array.from({ length: ROUNDS }, () => ({ served: 1_000, registered: 10 })));
  writeProof(
    'Limits in parallel',
    [
      '`npm run proof -- api/test/limits.proof.test.ts`: in each round, 64 clients send 100 calls each for one free ' +
        'tenant, and 64 registrations of another arrive at once, at two API processes.',
      '',
      '| round | calls served | agents registered |',
      '|---|---|---|',
      ...rounds.map(({ served, registered }, round) => `| ${round + 1} | ${served} | ${registered} |`),
    ].join('\n'),
  );
});
