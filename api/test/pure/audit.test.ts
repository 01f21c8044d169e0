import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newId, timeOfId } from '../../src/platform/ids.ts';
import { scopes, scopesOfRole, agentsOf } from '../../src/platform/principal.ts';
import type { PresentedToken, Principal } from '../../src/platform/principal.ts';
import { givenDetails, withDefaults } from '../../src/services/agents/agent-details.ts';
import { chain } from '../../src/services/audit/chain.ts';
import { failed, succeeded } from '../../src/services/audit/entry.ts';
import type { Act, AuditEntry } from '../../src/services/audit/entry.ts';
import { grantsBeyond, namedGrants } from '../../src/services/resource-grants/resource-grants.ts';

const token: PresentedToken = {
  ...{ jti: 'evt_1', clientId: 'agt_2', credentialId: 'crd_2', generation: 1 },
  ...{ actors: ['agt_2', 'agt_3'], exchangedFrom: [] },
};
const origin = { requestId: 'req_1', ip: '203.0.113.8', userAgent: null };
const at = new Date('2026-11-24T10:00:00.123Z');

describe('an audit entry', () => {
  const what = { action: 'agent.updated', agentId: 'agt_9', metadata: { changed: ['name'] } } as const;
  const act: Act = { actor: { tenantId: 'ten_1', kind: 'member', id: 'usr_1' }, origin, at };

  it('tells who did what, when and from where', () => {
    const entry = succeeded(act, what);
    expect(entry).toEqual({
      ...what,
      ...{
        tenantId: 'ten_1',
        occurredAt: at,
        actorKind: 'member',
        actorId: 'usr_1',
        outcome: 'success',
        origin,
      },
      eventId: expect.stringMatching(/^evt_/),
    });
    expect(timeOfId(entry.eventId)).toBe(at.getTime());
    expect(failed(act, { ...what, eventId: 'evt_7' })).toEqual({
      ...entry,
      outcome: 'failure',
      eventId: 'evt_7',
    });
  });

  it('by a token names its client as the actor, and everyone who acts', () => {
    const actor = { tenantId: 'ten_1', kind: 'agent', id: 'agt_1', token } as const;
    expect(succeeded({ ...act, actor }, what)).toMatchObject({
      actorId: 'agt_2',
      metadata: {
        changed: ['name'],
        token: {
          jti: 'evt_1',
          clientId: 'agt_2',
          credentialId: 'crd_2',
          subject: 'agt_1',
          actors: token.actors,
        },
      },
    });
  });
});

describe('the chain', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '\\', '\u2028', '</script>', ''));
  // Once JSON.parse of Node 24 has read the name "\\", it takes other names of one escaped character for it.
  const name = text.filter((any) => any !== '\\');
  const entries = fc.array(
    fc.record<AuditEntry>({
      ...{ tenantId: text, eventId: text, actorId: text, agentId: fc.option(text) },
      occurredAt: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
      actorKind: fc.constantFrom('agent', 'member', 'system'),
      action: fc.constantFrom('agent.created', 'token.issued'),
      outcome: fc.constantFrom('success', 'failure'),
      origin: fc.record({ requestId: text, ip: fc.option(text), userAgent: fc.option(text) }),
      metadata: fc.dictionary(name, fc.oneof(text, fc.integer(), fc.constant(null), fc.array(text))),
    }),
  );

  it('has each entry once more by itself: the RFC 8785 JSON of its columns, hashed with the hash before', () => {
    const heads = fc.record({ sequence: fc.nat(), hash: fc.uint8Array({ minLength: 32, maxLength: 32 }) });
    fc.assert(
      fc.property(heads, entries, ({ sequence, hash }, list) => {
        let previous_hash = `\\x${Buffer.from(hash).toString('hex')}`;
        const expected = list.map((entry, index) => {
          const row = {
            ...{ tenant_id: entry.tenantId, sequence: sequence + index + 1, event_id: entry.eventId },
            ...{
              occurred_at: entry.occurredAt.toISOString(),
              actor_kind: entry.actorKind,
              actor_id: entry.actorId,
            },
            ...{ agent_id: entry.agentId, action: entry.action, outcome: entry.outcome, ip: entry.origin.ip },
            ...{ user_agent: entry.origin.userAgent, request_id: entry.origin.requestId },
            ...{ metadata: entry.metadata, previous_hash },
          };
          previous_hash = `\\x${createHash('sha256').update(canonicalize(row)!).digest('hex')}`;
          return { ...row, hash: previous_hash };
        });
        const rows = chain({ sequence, hash: Buffer.from(hash) }, list);
        expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });
});

describe('a caller', () => {
  it('speaks for the subject of its token and for everyone who acts, each once', () => {
    const caller = { tenantId: 'ten_1', scopes: [] };
    const speakers = (principal: object): string[] =>
      agentsOf({ ...caller, ...principal } as unknown as Principal);
    expect(speakers({ kind: 'agent', id: 'agt_1', token })).toEqual(['agt_1', 'agt_2', 'agt_3']);
    expect(speakers({ kind: 'agent', id: 'agt_2', token })).toEqual(['agt_2', 'agt_3']);
    expect(speakers({ kind: 'member', id: 'usr_1' })).toEqual([]);
  });

  it('who is a member has the scopes of the role', () => {
    expect(scopesOfRole('member')).toEqual(['agents:read', 'tokens:read', 'audit:read', 'billing:read']);
    for (const role of ['owner', 'admin'] as const) expect(scopesOfRole(role)).toEqual(scopes);
    expect(scopes).toEqual(
      [...scopesOfRole('member'), 'agents:write', 'billing:write', 'trust:write'].sort(
        (a, b) => scopes.indexOf(a as never) - scopes.indexOf(b as never),
      ),
    );
  });
});

describe('the details of an agent', () => {
  it('are those that were given, each scope and capability once', () => {
    const given = { name: 'a', description: null, email: undefined, isPublic: false };
    expect(givenDetails({ ...given, scopes: ['agents:read', 'audit:read', 'agents:read'] })).toEqual({
      ...{ name: 'a', description: null, isPublic: false, scopes: ['agents:read', 'audit:read'] },
    });
    expect(givenDetails({ capabilities: ['a:b', 'a:b'] })).toEqual({ capabilities: ['a:b'] });
    expect(givenDetails({})).toEqual({});
  });

  it('have defaults for all but the name and the owner', () => {
    const defaults = {
      ...{ name: 'a', description: null, email: null, agentType: 'custom', version: '1.0.0' },
      ...{ capabilities: [], deploymentEnv: 'production', isPublic: false, scopes: ['agents:read'] },
      callCap: null,
    };
    expect(withDefaults({ name: 'a' })).toEqual(defaults);
    const owner = newId('usr');
    expect(withDefaults({ name: 'a', version: undefined, isPublic: true, owner })).toEqual({
      ...defaults,
      isPublic: true,
      owner,
    });
  });
});

describe('resource grants', () => {
  const grant = (resourceId: string, ...list: string[]) => ({
    resourceId,
    resource: `https://${resourceId}`,
    scopes: list,
  });

  it('beyond others are what those lack', () => {
    const held = [grant('one', 'a', 'b'), grant('two', 'c')];
    expect(grantsBeyond([grant('one', 'b', 'a'), grant('two', 'c')], held)).toEqual([]);
    expect(grantsBeyond([grant('one', 'a', 'c'), grant('three', 'a')], held)).toEqual([
      grant('one', 'c'),
      grant('three', 'a'),
    ]);
    expect(grantsBeyond(held, [])).toEqual(held);
  });

  it('are told by their resource, without its id', () => {
    expect(namedGrants([grant('one', 'a', 'b')])).toEqual([{ resource: 'https://one', scopes: ['a', 'b'] }]);
  });
});
