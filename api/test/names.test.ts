import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { newKeyPair } from './support/assertions.ts';
import { post, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';

let api: TestApi;
let member: TestMember;
let agent: TestAgent;
beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000', BILLING_ENABLED: 'false' } });
  member = await signUp(api);
  agent = await registerAgent(api, member);
});
afterAll(() => api.close());

/** Each place where somebody names something. */
const places: [place: string, path: string, name: (text: string) => Promise<Reply>][] = [
  ['an agent', 'body.name', (name) => member.post('/agents', { name })],
  ['a renamed agent', 'body.name', (name) => member.send('PATCH', `/agents/${agent.agentId}`, { name })],
  [
    'a team',
    'body.ownerTeam',
    (ownerTeam) => member.send('PATCH', `/agents/${agent.agentId}`, { ownerTeam }),
  ],
  [
    'a description',
    'body.description',
    (description) => member.send('PATCH', `/agents/${agent.agentId}`, { description }),
  ],
  ['a secret', 'body.name', (name) => member.post(`/agents/${agent.agentId}/credentials`, { name })],
  [
    'a key',
    'body.name',
    (name) => member.post(`/agents/${agent.agentId}/keys`, { name, publicKey: newKeyPair().publicJwk }),
  ],
  [
    'a person',
    'body.name',
    (name) =>
      post(api, '/auth/sign-up', { email: `${newId('usr')}@example.com`, password: 'a long password', name }),
  ],
];

const unseen: [what: string, name: string][] = [
  ['a zero-width space alone', '\u200b'],
  ['a zero-width space inside', 'ad\u200bmin'],
  ['a zero-width joiner alone', '\u200d'],
  ['a word joiner alone', '\u2060'],
  ['a byte order mark inside', 'a\ufeffb'],
  ['a soft hyphen', 'a\u00adb'],
  ['an override of direction', '\u202egpj.exe'],
  ['an embedding of direction', 'a\u202bb'],
  ['an isolate of direction', '\u2066a\u2069'],
  ['a mark of direction', 'a\u200f'],
  ['a combining accent alone', '\u0301'],
  ['accents and spaces', '\u0301 \u0308'],
  ['a variation selector alone', '\ufe0f'],
  ['an empty Braille cell', '\u2800'],
  ['a Hangul filler', '\u3164'],
  ['a Khmer vowel that is not shown', '\u17b4'],
  ['a NUL', 'a\u0000b'],
  ['an escape', '\u001b[31mred'],
  ['a delete', 'a\u007f'],
  ['a control of Latin 1', 'a\u0085b'],
  ['a tab inside', 'a\tb'],
  ['a line break inside', 'a\nb'],
  ['a line separator', 'a\u2028b'],
  ['a paragraph separator', 'a\u2029b'],
  ['hidden tags', 'a\u{e0061}\u{e0064}'],
  ['half a surrogate pair', 'a\ud800'],
  ['a private character alone', '\ue000'],
];

describe.each(places)('A name that cannot be seen is refused: of %s', (_place, path, name) => {
  it.each(unseen)('%s', async (_what, text) => {
    const reply = await name(text);
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
    expect((reply.body.errors as { path: string }[]).map((error) => error.path)).toContain(path);
  });
});

describe('Names that can be read are kept', () => {
  it.each([
    ['Latin', 'Rechnungs-Leser №1'],
    ['Japanese', '請求書リーダー'],
    ['Arabic', 'قارئ الفواتير'],
    ['Persian with its joiner', 'می\u200cخواهم'],
    ['Hindi with its joiner', 'क्\u200dष'],
    ['an emoji family', '👨\u200d👩\u200d👧'],
    ['an emoji with its selector', '❤\ufe0f'],
    ['one symbol', '€'],
    ['128 characters', 'é'.repeat(128)],
  ])('%s', async (_what, name) => {
    const reply = await member.post('/agents', { name });
    expect([reply.status, reply.body.name]).toEqual([201, name]);
  });

  it('trimmed of every space, and an empty description stays one', async () => {
    const reply = await member.post('/agents', { name: ' \u00a0\u3000\ttrimmed\n\u2003', description: '' });
    expect([reply.status, reply.body.name, reply.body.description]).toEqual([201, 'trimmed', '']);
  });
});

describe('Two spellings of one name are one name', () => {
  it.each([
    ['an accent', 'caf\u00e9', 'cafe\u0301'],
    ['the Ångström sign', '\u212b', '\u00c5'],
    ['Hangul', '한글', '한글'.normalize('NFD')],
    ['two marks in another order', 'a\u0323\u0307', 'a\u0307\u0323'],
    ['spaces around it', 'spaced', ' spaced\u00a0'],
  ])('%s', async (_what, first, second) => {
    expect((await member.post('/agents', { name: first })).status).toBe(201);
    const again = await member.post('/agents', { name: second });
    expect([again.status, again.body.code]).toEqual([409, 'agent_name_taken']);
    const renamed = await member.send('PATCH', `/agents/${agent.agentId}`, { name: second });
    expect([renamed.status, renamed.body.code]).toEqual([409, 'agent_name_taken']);
    const { data } = (await member.get(`/agents?q=${encodeURIComponent(second)}`)).body;
    expect((data as { name: string }[]).map(({ name }) => name)).toEqual([first.trim().normalize('NFC')]);
  });

  it('for the database too', async () => {
    const insert = (name: string) =>
      api.sql(
        `insert into agents (tenant_id, id, name, scopes, owner, created_at, updated_at)
         values ($1, $2, $3, '{agents:read}', $4, now(), now())`,
        [member.tenantId, newId('agt'), name, member.userId],
      );
    await insert('na\u00efve');
    await expect(insert('nai\u0308ve')).rejects.toThrow(/agents_name_key/);
  });
});
