import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentDetails, agentFilter, agentSchema, presentAgent } from '../../src/http/agent-shapes.ts';
import { clientFields, tokenFields } from '../../src/http/client-authentication/fields.ts';
import { credentialTerms } from '../../src/http/credential-terms.ts';
import { pageQuery } from '../../src/http/paging.ts';
import { identifier, resourceGrants, scopeName } from '../../src/http/resource-shapes.ts';
import { newId } from '../../src/platform/ids.ts';
import { scopes } from '../../src/platform/principal.ts';

const member = newId('usr');
const grant = { resource: 'https://crm.example', scopes: ['read'] };
const many = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const capability = (length: number): string => `a:${'b'.repeat(length - 2)}`;

type Cases = [name: string, schema: z.ZodType, good: unknown[], bad: unknown[], words?: string];

/** https://semver.org: its own lists for implementers. */
const versions = {
  good: [
    ...[
      '0.0.4',
      '1.2.3',
      '10.20.30',
      '1.1.2-prerelease+meta',
      '1.1.2+meta',
      '1.1.2+meta-valid',
      '1.0.0-alpha',
    ],
    ...['1.0.0-beta', '1.0.0-alpha.beta', '1.0.0-alpha.beta.1', '1.0.0-alpha.1', '1.0.0-alpha0.valid'],
    ...['1.0.0-alpha.0valid', '1.0.0-alpha-a.b-c-somethinglong+build.1-aef.1-its-okay', '1.0.0-rc.1+build.1'],
    ...['2.0.0-rc.1+build.123', '1.2.3-beta', '10.2.3-DEV-SNAPSHOT', '1.2.3-SNAPSHOT-123', '1.0.0', '2.0.0'],
    ...[
      '1.1.7',
      '2.0.0+build.1848',
      '2.0.1-alpha.1227',
      '1.0.0-alpha+beta',
      '1.2.3----RC-SNAPSHOT.12.9.1--.12',
    ],
    ...[
      '1.2.3----R-S.12.9.1--.12+meta',
      '1.2.3----RC-SNAPSHOT.12.9.1--.12+788',
      '1.0.0+0.build.1-rc.10000aaa-kk-0.1',
    ],
    ...['99999999999999999999999.999999999999999999.99999999999999999', '1.0.0-0A.is.legal', '1.0.0-0.0.10'],
  ],
  bad: [
    ...[
      '1',
      '1.2',
      '1.2.3-0123',
      '1.2.3-0123.0123',
      '1.1.2+.123',
      '+invalid',
      '-invalid',
      '-invalid+invalid',
    ],
    ...[
      '-invalid.01',
      'alpha',
      'alpha.beta',
      'alpha.beta.1',
      'alpha.1',
      'alpha+beta',
      'alpha_beta',
      'alpha.',
    ],
    ...[
      'alpha..',
      'beta',
      '1.0.0-alpha_beta',
      '-alpha.',
      '1.0.0-alpha..',
      '1.0.0-alpha..1',
      '1.0.0-alpha...1',
    ],
    ...[
      '01.1.1',
      '1.01.1',
      '1.1.01',
      '1.2.3.DEV',
      '1.2-SNAPSHOT',
      '1.2.31.2.3----RC-SNAPSHOT.12.09.1--..12+788',
    ],
    ...['1.2-RC-SNAPSHOT', '-1.0.3-gamma+b7718', '+justmeta', '9.8.7+meta+meta', '9.8.7-whatever+meta+meta'],
    ...[
      '1.2.3-',
      '1.2.3+',
      '1.2.3-a.',
      '1.2.3-a.01',
      '1.2.3+a..b',
      'v1.2.3',
      ' 1.2.3',
      '1.2.3 ',
      '1.2.3\n',
      '1a2a3',
    ],
  ],
};

const cases: Cases[] = [
  ['an agent’s name', agentDetails.name, ['a', 'x'.repeat(128)], ['', ' ', 'x'.repeat(129), null]],
  ['its description', agentDetails.description, ['', null, 'x'.repeat(1_024)], ['x'.repeat(1_025)]],
  ['its email', agentDetails.email, ['a@b.example', null], ['a', '']],
  ['its team', agentDetails.ownerTeam, ['a', null, 'x'.repeat(128)], ['', 'x'.repeat(129)]],
  ['its type', agentDetails.agentType, ['screener', 'custom'], ['', 'Custom', 'robot']],
  ['its environment', agentDetails.deploymentEnv, ['development', 'staging', 'production'], ['', 'test']],
  ['its visibility', agentDetails.isPublic, [true, false], ['true', null]],
  ['its version', agentDetails.version, versions.good, versions.bad, 'must be a version such as 1.0.0'],
  ['a long version', agentDetails.version, [`1.0.0-${'a'.repeat(58)}`], [`1.0.0-${'a'.repeat(59)}`]],
  [
    'its owner',
    agentDetails.owner,
    [member],
    ['', newId('agt'), `${member}0`, member.toUpperCase()],
    'must be the user id of a member',
  ],
  ['a long owner', agentDetails.owner, [member], ['usr_'.padEnd(65, '0')]],
  [
    'its capabilities',
    agentDetails.capabilities,
    [[], ['a:b'], ['0:0'], ['a-b_c:d-e_f'], ['a:*'], ['a:b*'], [capability(64)], many(32, 'a:b')],
    [
      ['a'],
      ['a:'],
      [':b'],
      ['A:b'],
      ['a:B'],
      ['a*:b'],
      ['*:b'],
      ['-a:b'],
      ['_a:b'],
      ['a:-b'],
      ['a:_b'],
      ['a b:c'],
      ['a:b:c'],
      ['a:b\n'],
      [capability(65)],
      many(33, 'a:b'),
    ],
  ],
  [
    'its scopes',
    agentDetails.scopes,
    [['agents:read'], [...scopes]],
    [[], ['agents'], [...scopes, 'agents:read']],
  ],
  [
    'its grants',
    agentDetails.resourceGrants,
    [[], [grant], many(100, grant), [{ ...grant, scopes: many(20, 'a') }]],
    [
      [{}],
      [{ ...grant, more: 1 }],
      [{ ...grant, scopes: [] }],
      many(101, grant),
      [{ ...grant, scopes: many(21, 'a') }],
      [{ ...grant, scopes: ['a b'] }],
      [{ ...grant, resource: 'x'.repeat(257) }],
    ],
  ],
  [
    'a resource’s scope',
    scopeName,
    ['!', '#', '[', ']', '~', 'contacts:read', 'x'.repeat(64)],
    ['', ' ', '"', '\\', 'a b', 'é', '\x7f', 'x'.repeat(65), 'a\n'],
    'must be 1 to 64 printable ASCII characters, without spaces, double quotes or backslashes',
  ],
  [
    'a resource’s identifier',
    identifier,
    ['https://crm.example', 'urn:example:a', `https://a/${'x'.repeat(246)}`],
    ['', 'crm.example', 'https://crm.example#x'],
    'must be an absolute URI (RFC 3986) without a fragment, such as https://crm.example.com',
  ],
  ['a long identifier', identifier, [], [`https://a/${'x'.repeat(247)}`]],
  ['a credential’s name', credentialTerms.name, [undefined, 'a', 'x'.repeat(128)], ['', 'x'.repeat(129)]],
  [
    'its expiry',
    credentialTerms.expiresAt,
    [undefined, '2027-01-31T09:00:00Z', '2027-01-31T09:00:00+02:00', '9999-12-31T23:59:59Z'],
    ['2027-01-31', '2027-01-31T09:00:00', 'now'],
  ],
  [
    'a far expiry',
    credentialTerms.expiresAt,
    ['9999-12-31T23:59:59+00:00'],
    ['9999-12-31T23:59:59-00:01', '9999-12-31T23:59:00-00:01'],
    'must be before the year 10000 in UTC',
  ],
  ['a page’s limit', pageQuery.limit, ['1', '100', 7], ['0', '101', '1.5', 'x']],
  ['its cursor', pageQuery.cursor, [undefined, '', 'x'.repeat(1_024)], ['x'.repeat(1_025), 1]],
  ['a client id', clientFields.client_id, [undefined, 'x'.repeat(128)], ['x'.repeat(129)]],
  ['a client secret', clientFields.client_secret, [undefined, 'x'.repeat(256)], ['x'.repeat(257)]],
  ['an assertion', clientFields.client_assertion, [undefined, 'x'.repeat(4_096)], ['x'.repeat(4_097)]],
  ['its type', clientFields.client_assertion_type, [undefined, 'x'.repeat(128)], ['x'.repeat(129)]],
  ['a token', tokenFields.token, ['', 'x'.repeat(10_000)], [undefined]],
  ['its hint', tokenFields.token_type_hint, [undefined, 'x'.repeat(64)], ['x'.repeat(65)]],
  ['no filter', z.strictObject(agentFilter), [{}], [{ name: 'a' }]],
  [
    'a filter',
    z.strictObject(agentFilter),
    [
      {
        status: 'active',
        agentType: 'custom',
        deploymentEnv: 'staging',
        owner: member,
        capability: 'a:b',
        q: 'a',
      },
    ],
    [
      { status: 'x' },
      { agentType: 'x' },
      { deploymentEnv: 'x' },
      { owner: 'x' },
      { capability: 'x' },
      { q: '' },
      { q: 'x'.repeat(129) },
    ],
  ],
];

it.each(cases)('The shape of a field: %s', (_name, schema, good, bad, words) => {
  for (const value of good) expect([value, schema.safeParse(value).success]).toEqual([value, true]);
  for (const value of bad) {
    const { success, error } = schema.safeParse(value);
    expect([value, success]).toEqual([value, false]);
    if (words) expect(error!.issues.map(({ message }) => message)).toContain(words);
  }
});

it('a time is read as what it names, and a page has 20 rows if nothing else is asked', () => {
  expect(credentialTerms.expiresAt.parse('2027-01-31T09:00:00+02:00')).toEqual(
    new Date('2027-01-31T07:00:00Z'),
  );
  expect(pageQuery.limit.parse(undefined)).toBe(20);
  expect(resourceGrants.parse([grant])).toEqual([grant]);
});

describe('an agent as it is answered', () => {
  const at = new Date('2026-11-24T10:00:00Z');
  const row = {
    ...{ id: 'agt_1', tenantId: 'ten_1', name: 'a', description: null, email: null, agentType: 'custom' },
    ...{ version: '1.0.0', capabilities: [], owner: member, ownerTeam: null, deploymentEnv: 'staging' },
    ...{ isPublic: false, status: 'active', scopes: ['agents:read'], revision: 7 },
    callCap: { max: 5, mode: 'enforce' },
    ...{ createdAt: at, updatedAt: at, decommissionedAt: null },
  };
  const present = (changes: object) =>
    presentAgent({
      agent: { ...row, ...changes },
      resourceGrants: [{ resourceId: 'res_1', ...grant }],
      credentials: { active: 0, nextExpiresAt: null },
      lastTokenAt: null,
    } as never);

  it('has its id as agentId, times as text, and grants without ids', () => {
    const { tenantId, revision, id, ...rest } = row;
    const time = at.toISOString();
    const told = {
      ...rest,
      agentId: id,
      resourceGrants: [grant],
      credentials: { active: 0, nextExpiresAt: null },
      lastTokenAt: null,
      createdAt: time,
      updatedAt: time,
    };
    expect(agentSchema.parse(present({}))).toEqual(told);
    expect(present({ decommissionedAt: at })).toMatchObject({ decommissionedAt: time });
    expect([tenantId, revision]).toEqual(['ten_1', 7]);
    // As stored for an Idempotency-Key by the release before.
    const { lastTokenAt, credentials, ...stored } = present({});
    expect([lastTokenAt, credentials.active]).toEqual([null, 0]);
    expect(agentSchema.parse(stored)).toEqual(told);
  });
});
