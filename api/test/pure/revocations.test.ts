import { describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.ts';
import type { TokenNames } from '../../src/services/tokens/claims.ts';
import { createRevocations } from '../../src/services/tokens/revocations.ts';

describe('the memory of ended tokens', () => {
  const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const named = { credential_id: 'crd_1' };

  it('only what has ended is swept', () => {
    const revocations = createRevocations();
    const tokens = Array.from({ length: 1_000 }, (_, i) => ({
      jti: newId('evt'),
      expires_at: at(i % 2 ? -61_000 : 60_000),
    }));
    const marks = [
      { agent_id: 'agt_1', not_before: at(0), refused: true, expires_at: at(-61_000) },
      { agent_id: 'agt_2', not_before: at(0), refused: true, expires_at: at(60_000) },
    ];
    revocations.add({ tokens, credentials: [], marks });
    expect(revocations.size).toBe(1_002);
    revocations.sweep();
    expect(revocations.size).toBe(501);
    expect(revocations.has({ ...named, jti: tokens[0]!.jti, sub: 'agt_3' })).toBe(true);
    expect(revocations.has({ ...named, jti: tokens[1]!.jti, sub: 'agt_3' })).toBe(false);
  });

  it('compares the millisecond of a token’s id with the mark', () => {
    const revocations = createRevocations();
    const now = Date.now();
    const mark = { agent_id: 'agt_1', not_before: new Date(now).toISOString(), refused: false };
    revocations.add({ tokens: [], credentials: [], marks: [{ ...mark, expires_at: at(60_000) }] });
    const ended = (ms: number): boolean =>
      revocations.has({ ...named, jti: newId('evt', now + ms), sub: 'agt_1' });
    expect([-1_000, -1, 0, 1].map(ended)).toEqual([true, true, false, false]);
    expect(revocations.has({ ...named, jti: 'no id', sub: 'agt_1' })).toBe(true);
  });

  it('A mark is compared with the token that each agent was issued itself', () => {
    const now = Date.now();
    const iss = 'https://issuer.example';
    const act = { iss, sub: 'agt_3', act: { iss, sub: 'agt_2' } };
    const link = (ms: number) => ({ ...named, jti: newId('evt', now + ms) });
    /** Issued to the first agent two seconds ago, exchanged by the second one second ago, and by the third now. */
    const token = { ...link(0), sub: 'agt_1', act, exchanged_from: [link(-1_000), link(-2_000)] };
    const ended = (agent_id: string, ms: number, claims: TokenNames = token): boolean => {
      const revocations = createRevocations();
      const mark = { agent_id, not_before: new Date(now + ms).toISOString(), refused: false };
      revocations.add({ tokens: [], credentials: [], marks: [{ ...mark, expires_at: at(60_000) }] });
      return revocations.has(claims);
    };
    const marks = (agentId: string): boolean[] =>
      [-2_000, -1_999, -1_000, -999, 0, 1].map((ms) => ended(agentId, ms));
    expect(marks('agt_1')).toEqual([false, true, true, true, true, true]);
    expect(marks('agt_2')).toEqual([false, false, false, true, true, true]);
    expect(marks('agt_3')).toEqual([false, false, false, false, false, true]);
    // Of a line that is not told whole, what is missing is as old as can be.
    expect(ended('agt_1', -3_000, { ...token, exchanged_from: [link(-1_000)] })).toBe(true);
  });

  it('What another server does not have is dropped, save what ends about now', () => {
    const revocations = createRevocations();
    const ids = [120_000, 30_000, -30_000].map((ms) => ({ jti: newId('evt'), expires_at: at(ms) }));
    const mark = { not_before: at(0), refused: true, expires_at: at(120_000) };
    const rows = { tokens: ids, credentials: [{ credential_id: 'crd_2', expires_at: at(120_000) }] };
    revocations.add({ ...rows, marks: ['agt_1', 'agt_2'].map((agent_id) => ({ agent_id, ...mark })) });
    revocations.replace({ tokens: [], credentials: [], marks: [{ agent_id: 'agt_2', ...mark }] });
    const has = (jti: string, sub = 'agt_3'): boolean => revocations.has({ ...named, jti, sub });
    expect(ids.map(({ jti }) => has(jti))).toEqual([false, true, true]);
    expect(['agt_1', 'agt_2'].map((sub) => has(newId('evt'), sub))).toEqual([false, true]);
    expect(revocations.size).toBe(3);
  });

  it('A revoked credential revokes its tokens, and every token exchanged from one', () => {
    const revocations = createRevocations();
    const credentials = [{ credential_id: 'crd_2', expires_at: at(60_000) }];
    revocations.add({ tokens: [], credentials, marks: [] });
    const of = (credential_id: string, from?: string): TokenNames => ({
      ...{ jti: newId('evt'), credential_id, sub: 'agt_1' },
      ...(from && { exchanged_from: [{ jti: newId('evt'), credential_id: from }] }),
    });
    const all = [of('crd_1'), of('crd_2'), of('crd_1', 'crd_2'), of('crd_1', 'crd_3')];
    expect(all.map(revocations.has)).toEqual([false, true, true, false]);
  });

  it('A mark may be lifted for a token that is newer than it, if its agent was inactive', () => {
    const now = Date.now();
    const mayBeLifted = (refused: boolean, ms: number): boolean => {
      const revocations = createRevocations();
      const marks = [
        { agent_id: 'agt_1', not_before: new Date(now).toISOString(), refused, expires_at: at(60_000) },
      ];
      revocations.add({ tokens: [], credentials: [], marks });
      return revocations.mayBeLifted({ ...named, jti: newId('evt', now + ms), sub: 'agt_1' });
    };
    expect([mayBeLifted(true, 1), mayBeLifted(true, -1)]).toEqual([true, false]);
    expect([mayBeLifted(false, 1), mayBeLifted(false, -1)]).toEqual([false, false]);
  });
});
