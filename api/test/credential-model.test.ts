import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, requestToken, signUp } from './support/callers.ts';
import type { Reply, TestMember } from './support/callers.ts';

/** Both processes go by this clock, which is ahead of the machine's. */
let ahead = 0;
const clock = () => new Date(Date.now() + ahead);

let processes: [TestApi, TestApi];
let member: TestMember;
beforeAll(async () => {
  const env = { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' };
  const api = await startApi({ env, clock });
  processes = [api, await startApi({ env, clock, database: api.database })];
  member = await signUp(api);
});
afterAll(async () => {
  await processes[1].close();
  await processes[0].close();
});

/** What a secret is good for, by the clock of the model. */
interface Secret {
  /** `null`: as long as its credential. */
  until: number | null;
  ended: boolean;
}

interface Credential {
  revoked: boolean;
  expiresAt: number | null;
  /** In the order in which they were made; the last is the current one. */
  secrets: Secret[];
}

interface Model {
  now: number;
  status: 'active' | 'suspended' | 'decommissioned';
  credentials: Credential[];
}

interface Real {
  agentId: string;
  ids: string[];
  secrets: string[][];
}

type Command = fc.AsyncCommand<Model, Real>;

const isLive = ({ now }: Model, { revoked, expiresAt }: Credential): boolean =>
  !revoked && (expiresAt === null || expiresAt > now);

const works = (model: Model, credential: Credential, { until, ended }: Secret): boolean =>
  model.status === 'active' && isLive(model, credential) && !ended && (until === null || until > model.now);

/** Runs `act` for a credential that is there; the numbers are drawn beforehand, so they wrap. */
const onCredential = (
  name: string,
  at: number,
  act: (model: Model, real: Real, index: number) => Promise<void>,
): Command => ({
  check: ({ credentials }) => credentials.length > 0,
  run: (model, real) => act(model, real, at % model.credentials.length),
  toString: () => `${name}(${at})`,
});

const pathOf = ({ agentId, ids }: Real, index: number): string =>
  `/agents/${agentId}/credentials/${ids[index]}`;

const create = (lifeSeconds: number | null): Command => ({
  check: () => true,
  run: async (model, real) => {
    const expiresAt = lifeSeconds === null ? null : model.now + lifeSeconds;
    const body = lifeSeconds === null ? {} : { expiresAt: new Date(clock().getTime() + lifeSeconds * 1_000) };
    const reply = await member.post(`/agents/${real.agentId}/credentials`, body);
    const full = model.credentials.filter((one) => isLive(model, one)).length >= 10;
    expect(reply.status).toBe(model.status === 'decommissioned' || full ? 409 : 201);
    if (reply.status !== 201) return;
    model.credentials.push({ revoked: false, expiresAt, secrets: [{ until: null, ended: false }] });
    real.ids.push(reply.body.credentialId as string);
    real.secrets.push([reply.body.clientSecret as string]);
  },
  toString: () => `create(${lifeSeconds})`,
});

const rotate = (at: number, overlapSeconds: number): Command =>
  onCredential(`rotate+${overlapSeconds}`, at, async (model, real, index) => {
    const credential = model.credentials[index]!;
    const reply = await member.post(`${pathOf(real, index)}/rotate`, { overlapSeconds });
    const may = model.status !== 'decommissioned' && isLive(model, credential);
    expect(reply.status).toBe(may ? 200 : 409);
    if (!may) return;
    const before = credential.secrets.pop()!;
    for (const older of credential.secrets) older.ended = true;
    credential.secrets.push(
      { until: model.now + overlapSeconds, ended: before.ended },
      { until: null, ended: false },
    );
    real.secrets[index]!.push(reply.body.clientSecret as string);
  });

const endOverlap = (at: number): Command =>
  onCredential('endOverlap', at, async (model, real, index) => {
    expect((await member.send('DELETE', `${pathOf(real, index)}/previous`)).status).toBe(204);
    for (const older of model.credentials[index]!.secrets.slice(0, -1)) older.ended = true;
  });

const revoke = (at: number): Command =>
  onCredential('revoke', at, async (model, real, index) => {
    expect((await member.send('DELETE', pathOf(real, index))).status).toBe(204);
    model.credentials[index]!.revoked = true;
  });

const ask = (real: Real, secret: string, process: number): Promise<Reply> =>
  requestToken(processes[process % 2]!, basic(real.agentId, secret), { grant_type: 'client_credentials' });

const token = (at: number, which: number, process: number): Command =>
  onCredential(`token#${which}@${process}`, at, async (model, real, index) => {
    const credential = model.credentials[index]!;
    const secret = which % credential.secrets.length;
    const reply = await ask(real, real.secrets[index]![secret]!, process);
    expect(reply.status).toBe(works(model, credential, credential.secrets[secret]!) ? 200 : 401);
  });

const setStatus = (act: 'suspend' | 'reactivate'): Command => ({
  check: () => true,
  run: async (model, real) => {
    const reply = await member.send('POST', `/agents/${real.agentId}/${act}`);
    expect(reply.status).toBe(model.status === 'decommissioned' ? 409 : 200);
    if (reply.status === 200) model.status = act === 'suspend' ? 'suspended' : 'active';
  },
  toString: () => act,
});

const decommission: Command = {
  check: () => true,
  run: async (model, real) => {
    expect((await member.send('DELETE', `/agents/${real.agentId}`)).status).toBe(204);
    model.status = 'decommissioned';
    for (const credential of model.credentials) credential.revoked = true;
  },
  toString: () => 'decommission',
};

/** In whole hours, so that the time which the test itself takes decides nothing. */
const pass = (hours: number): Command => ({
  check: () => true,
  run: async (model) => {
    ahead += hours * 3_600_000;
    model.now += hours * 3_600;
  },
  toString: () => `pass(${hours} h)`,
});

const index = fc.nat(5);
const halfHours = fc.integer({ min: 0, max: 5 }).map((hours) => hours * 3_600 + 1_800);
const commands = fc.commands(
  [
    fc.option(halfHours).map(create),
    fc.tuple(index, fc.oneof(fc.constant(0), halfHours)).map(([at, overlap]) => rotate(at, overlap)),
    index.map(endOverlap),
    index.map(revoke),
    ...[1, 2, 3].map(() =>
      fc.tuple(index, fc.nat(3), fc.nat(1)).map(([at, which, process]) => token(at, which, process)),
    ),
    fc.constantFrom('suspend' as const, 'reactivate' as const).map(setStatus),
    fc.constant(setStatus('reactivate')),
    fc.integer({ min: 1, max: 3 }).map(pass),
    // Rare: nothing happens to an agent after it.
    fc.nat(9).map((one) => (one === 0 ? decommission : pass(1))),
  ],
  { size: 'large', maxCommands: 60 },
);

let agents = 0;

it('what a secret is good for is what a simple model says, in each of two processes', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const made = await member.post('/agents', { name: `modelled ${++agents}` });
      const model: Model = { now: 0, status: 'active', credentials: [] };
      const real: Real = { agentId: made.body.agentId as string, ids: [], secrets: [] };
      await fc.asyncModelRun(() => ({ model, real }), sequence);
    }),
    { numRuns: 25, interruptAfterTimeLimit: 20_000, endOnFailure: true },
  );
});
