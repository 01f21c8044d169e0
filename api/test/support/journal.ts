import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '../../../dev/test/support/until.ts';
import { call, registerAgent, signUp } from './callers.ts';
import type { TestAgent, TestMember } from './callers.ts';
import { at, callsOf } from './metered.ts';

type Process = { url: string };
type Kind = 'call' | 'token';
type Sql = (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>;

export interface Tally {
  sent: number;
  acknowledged: number;
  /** What was acknowledged: the `jti` of each token. */
  ids: string[];
}

/** A client's own record, in a file outside the platform. A line is written before a request, and one after its answer. */
export interface Journal {
  note(tenantId: string, kind: Kind, event: 'sent' | 'acknowledged', id?: string): void;
  read(tenantId: string, kind: Kind): Tally;
  close(): void;
}

export const openJournal = (): Journal => {
  const folder = mkdtempSync(join(tmpdir(), 'sentryagent-journal-'));
  const path = join(folder, 'journal');
  const file = openSync(path, 'a');
  return {
    note: (...fields) => void writeSync(file, `${fields.join(' ')}\n`),
    read: (tenantId, kind) => {
      const lines = readFileSync(path, 'utf8').split('\n');
      const of = (event: string) => lines.filter((line) => line.startsWith(`${tenantId} ${kind} ${event}`));
      const acknowledged = of('acknowledged');
      const ids = acknowledged.map((line) => line.split(' ')[3] ?? '');
      return { sent: of('sent').length, acknowledged: acknowledged.length, ids };
    },
    close: () => {
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
};

export interface Caller {
  member: TestMember;
  agent: TestAgent;
  token: string;
}

/** A tenant that pays, so that nothing refuses its calls. */
export const openCaller = async (process: Process, sql: Sql): Promise<Caller> => {
  const member = await signUp(process);
  await sql(`update tenant_subscriptions set tier = 'paid' where tenant_id = $1`, [member.tenantId]);
  const agent = await registerAgent(process, member);
  return { member, agent, token: '' };
};

const jtiOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string }).jti;

/** Returns the status, or 0 if there is no answer. */
const sendOne = async (
  journal: Journal,
  { member: { tenantId }, agent, token }: Caller,
  kind: Kind,
  process: Process,
): Promise<number> => {
  journal.note(tenantId, kind, 'sent');
  const headers = { authorization: `Bearer ${token}` };
  const ask =
    kind === 'call' ? call(process, '/agents?limit=1', { headers }) : agent.requestToken({}, process);
  const reply = await ask.catch(() => undefined);
  if (reply?.status === 200) {
    const id = kind === 'token' ? jtiOf(reply.body.access_token as string) : '';
    journal.note(tenantId, kind, 'acknowledged', id);
  }
  return reply?.status ?? 0;
};

/**
 * Eight clients call and ask for tokens, in turn at each process, for as long as `work` takes. Each is answered 200 or
 * 503, or not at all.
 */
export const underLoad = async (
  journal: Journal,
  callers: Caller[],
  processes: () => Process[],
  work: () => Promise<unknown>,
): Promise<void> => {
  for (const caller of callers) {
    if (caller.token) continue;
    journal.note(caller.member.tenantId, 'token', 'sent');
    caller.token = await caller.agent.token();
    journal.note(caller.member.tenantId, 'token', 'acknowledged', jtiOf(caller.token));
  }
  let going = true;
  let next = 0;
  const statuses = new Set([200, 503, 0]);
  const client = async (): Promise<void> => {
    while (going) {
      const turn = next++;
      const process = processes()[turn % processes().length]!;
      const kind = Math.floor(turn / 2) % 2 ? 'token' : 'call';
      const status = await sendOne(journal, callers[Math.floor(turn / 4) % callers.length]!, kind, process);
      statuses.add(status);
      await wait(status === 200 ? 5 : 20);
    }
  };
  const clients = Array.from({ length: 8 }, client);
  try {
    await work();
  } finally {
    going = false;
    await Promise.all(clients);
  }
  expect(statuses).toEqual(new Set([200, 503, 0]));
};

export interface Judged {
  calls: Tally & { counted: number };
  tokens: Tally & { counted: number };
}

/** Judges what the platform counted for a tenant by the journal, once all processes show one figure. */
export const judge = async (
  journal: Journal,
  { member }: Caller,
  processes: Process[],
  sql: Sql,
): Promise<Judged> => {
  const [calls, tokens] = [journal.read(member.tenantId, 'call'), journal.read(member.tenantId, 'token')];
  let shown: number[] = [];
  await until('all processes show one figure', async () => {
    shown = await Promise.all(processes.map((process) => callsOf(at(process, member))));
    return new Set(shown).size === 1;
  });
  const [row] = await sql(
    `select (select coalesce(sum(count), 0)::int from usage_events
               where tenant_id = $1 and metric = 'token_issuances') as counted,
            (select count(*)::int from audit_events
               where tenant_id = $1 and action = 'token.issued') as logged,
            (select count(*)::int from audit_events
               where tenant_id = $1 and action = 'token.issued' and event_id = any($2)) as known`,
    [member.tenantId, tokens.ids],
  );
  const { counted, logged, known } = row as Record<'counted' | 'logged' | 'known', number>;
  expect(counted, 'tokens counted and logged').toBe(logged);
  expect(known, 'acknowledged tokens in the log').toBe(tokens.acknowledged);
  const judged = { calls: { ...calls, counted: shown[0]! }, tokens: { ...tokens, counted } };
  for (const [what, tally] of Object.entries(judged)) {
    expect(tally.counted, `${what}: acknowledged ≤ counted`).toBeGreaterThanOrEqual(tally.acknowledged);
    expect(tally.counted, `${what}: counted ≤ sent`).toBeLessThanOrEqual(tally.sent);
  }
  return judged;
};
