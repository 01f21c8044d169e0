import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../src/platform/ids.ts';
import { PUBLIC_URL, startApi } from './support/api.ts';
import type { TestApi } from './support/api.ts';
import { basic, call, grantResources, registerAgent, signUp } from './support/callers.ts';
import type { Reply, TestAgent, TestMember } from './support/callers.ts';
import { until } from '../../dev/test/support/until.ts';

let api: TestApi;
let member: TestMember;
let stranger: TestMember;
let agent: TestAgent;
let other: TestAgent;

const CRM = 'https://crm.example/api?v=2';

beforeAll(async () => {
  api = await startApi({ env: { RATE_LIMIT_MAX_REQUESTS: '1000000' } });
  [member, stranger] = [await signUp(api), await signUp(api)];
  agent = await registerAgent(api, member, ['agents:read', 'agents:write']);
  other = await registerAgent(api, member, ['agents:read', 'agents:write']);
  const made = await member.post('/resources', {
    identifier: CRM,
    scopes: ['contacts:read', 'contacts:write', 'contacts:read'],
    tokenTtlSeconds: 60,
  });
  expect(made.status).toBe(201);
  await grantResources(member, agent, { [CRM]: ['contacts:read', 'contacts:write'] });
  const foreign = await stranger.post('/resources', {
    identifier: 'https://theirs.example',
    scopes: ['all'],
  });
  expect(foreign.status).toBe(201);
});
afterAll(() => api.close());

/** One grant more for both agents: those from before stay, so that no token ends. */
const alsoGrant = async (identifier: string, scopes = ['a']): Promise<void> => {
  for (const to of [agent, other]) {
    const { body } = await member.get(`/agents/${to.agentId}`);
    const resourceGrants = [...(body.resourceGrants as unknown[]), { resource: identifier, scopes }];
    expect((await member.send('PATCH', `/agents/${to.agentId}`, { resourceGrants })).status).toBe(200);
  }
};

const remove = (resourceId: string, { cookie }: TestMember = member): Promise<Reply> =>
  call(api, `/resources/${resourceId}`, {
    method: 'DELETE',
    headers: { cookie, origin: 'http://dashboard.test' },
  });

describe('/resources', () => {
  it('A resource is made, listed and deleted, each in the log', async () => {
    const made = await member.post('/resources', { identifier: 'urn:example:search', scopes: ['find'] });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      resourceId: expect.stringMatching(/^res_/),
      identifier: 'urn:example:search',
      scopes: ['find'],
      tokenTtlSeconds: 900,
      createdAt: expect.any(String),
    });
    const listed = (await agent.get('/resources')).body.data as { identifier: string; scopes: string[] }[];
    expect(listed.map(({ identifier }) => identifier)).toEqual(['urn:example:search', CRM]);
    expect(listed[1]!.scopes).toEqual(['contacts:read', 'contacts:write']);
    const resourceId = made.body.resourceId as string;
    expect((await remove(resourceId)).status).toBe(204);
    expect((await remove(resourceId)).status).toBe(404);
    const log = await api.sql(
      `select action, actor_id from audit_events where metadata ->> 'resourceId' = $1 order by sequence`,
      [resourceId],
    );
    expect(log).toEqual(
      ['resource.created', 'resource.deleted'].map((action) => ({ action, actor_id: member.userId })),
    );
  });

  it.each([
    ['a relative reference', '/crm'],
    ['a fragment', 'https://crm.example/#a'],
    ['an empty fragment', 'https://crm.example/#'],
    ['no scheme', 'crm.example'],
    ['a scheme alone', 'https:'],
    ['a space', 'https://crm.example/a b'],
    ['a line break', 'https://crm.example/\n'],
    ['257 characters', `https://crm.example/${'x'.repeat(240)}`],
    ['no ASCII', 'https://crm.example/ü'],
    ['a broken address', 'https://[::1'],
    ['backslashes', 'https:\\\\b.example'],
    ['no slashes', 'https:c.example'],
    ['one slash', 'https:/c.example'],
    ['three slashes', 'https:///c.example'],
    ['braces', 'https://d.example/{x}'],
    ['a bar', 'https://d.example/a|b'],
    ['a bracket in a path', 'https://d.example/[x]'],
    ['a bracket in a user', 'https://us[er@d.example'],
    ['a percent sign alone', 'https://d.example/100%'],
    ['half an encoding', 'https://d.example/%a'],
    ['an encoding that is none', 'https://d.example/%zz'],
    ['the API', PUBLIC_URL],
    ['the API, with an encoded letter', 'http://%61pi.test/'],
    ['an address of the API', `${PUBLIC_URL}/agents`],
    ['the API, spelt otherwise', 'HTTP://API.TEST:80/'],
    ['nothing', ''],
  ])('A wrong identifier is no resource: %s', async (_what, identifier) => {
    const reply = await member.post('/resources', { identifier, scopes: ['read'] });
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
  });

  it.each([
    ['no scope', { scopes: [] }],
    ['21 scopes', { scopes: Array.from({ length: 21 }, (_, i) => `s${i}`) }],
    ['a scope with a space', { scopes: ['a b'] }],
    ['a scope with a quote', { scopes: ['a"'] }],
    ['an empty scope', { scopes: [''] }],
    ['a scope of 65 characters', { scopes: ['x'.repeat(65)] }],
    ['a life of 59 seconds', { tokenTtlSeconds: 59 }],
    ['a life of 3601 seconds', { tokenTtlSeconds: 3_601 }],
    ['half a second', { tokenTtlSeconds: 60.5 }],
    ['a tenant', { tenantId: 'ten_other' }],
    ['an id', { resourceId: 'res_other' }],
  ])('refuses %s', async (_what, more) => {
    const reply = await member.post('/resources', {
      identifier: 'https://x.example',
      scopes: ['a'],
      ...more,
    });
    expect([reply.status, reply.body.code]).toEqual([400, 'validation_failed']);
  });

  it('An identifier is one resource of a tenant, and of each tenant', async () => {
    const again = await member.post('/resources', { identifier: CRM, scopes: ['read'] });
    expect([again.status, again.body.code]).toEqual([409, 'resource_taken']);
    expect((await stranger.post('/resources', { identifier: CRM, scopes: ['read'] })).status).toBe(201);
  });

  it('another tenant’s is 404, as one that is not there', async () => {
    const [own] = (await stranger.get('/resources')).body.data as [{ resourceId: string }];
    const [foreign, unknown] = [await remove(own.resourceId), await remove('res_00000000000000000000000000')];
    expect([foreign.status, unknown.status, (await remove('x')).status]).toEqual([404, 404, 404]);
    expect({ ...foreign.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
  });

  it('The hundred and first resource is refused', async () => {
    const crowd = await signUp(api);
    await api.sql(
      `insert into resources select $1, 'res_' || n, 'https://' || n || '.example', '{a}', 60, now()
       from generate_series(1, 99) n`,
      [crowd.tenantId],
    );
    const replies = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        crowd.post('/resources', { identifier: `https://more${i}.example`, scopes: ['a'] }),
      ),
    );
    expect(replies.map(({ status, body }) => [status, body.code]).sort()).toEqual([
      [201, undefined],
      ...Array<unknown>(3).fill([409, 'resource_limit']),
    ]);
  });

  it('is read with agents:read and changed with agents:write', async () => {
    const reader = await registerAgent(api, member);
    expect((await reader.get('/resources')).status).toBe(200);
    const refused = await reader.post('/resources', { identifier: 'https://x.example', scopes: ['a'] });
    expect(refused.status).toBe(403);
  });
});

describe('a token request with resource', () => {
  it('A token names the resource that was asked for', async () => {
    const reply = await agent.requestToken({ resource: CRM });
    expect(reply.body).toMatchObject({ expires_in: 60, scope: 'contacts:read contacts:write' });
    const claims = decodeJwt(reply.body.access_token as string);
    expect(claims).toMatchObject({
      aud: CRM,
      sub: agent.agentId,
      client_id: agent.agentId,
      tenant_id: member.tenantId,
      scope: 'contacts:read contacts:write',
      exp: claims.iat! + 60,
    });
    const narrow = await agent.requestToken({ resource: CRM, scope: 'contacts:read' });
    expect(narrow.body.scope).toBe('contacts:read');
    const ours = await agent.requestToken({ resource: PUBLIC_URL });
    expect(decodeJwt(ours.body.access_token as string)).toMatchObject({
      aud: PUBLIC_URL,
      scope: 'agents:read agents:write',
    });
  });

  it.each([
    ['a scope of the API', CRM, 'agents:read'],
    ['a scope of nothing', CRM, 'other'],
    ['a scope of the resource', PUBLIC_URL, 'contacts:read'],
  ])('refuses %s for another', async (_what, resource, scope) => {
    const reply = await agent.requestToken({ resource, scope });
    expect([reply.status, reply.body.error]).toEqual([400, 'invalid_scope']);
  });

  it.each([
    ['an unknown one', 'https://unknown.example'],
    ['another tenant’s', 'https://theirs.example'],
    ['the API’s path', `${PUBLIC_URL}/agents`],
    ['the same in capitals', CRM.toUpperCase()],
    ['the same with a fragment', `${CRM}#x`],
    ['a relative one', '/agents'],
    ['two in one', `${PUBLIC_URL} ${CRM}`],
    ['a NUL', `${CRM}\u0000`],
    ['a long one', `${CRM}${'x'.repeat(1_000)}`],
  ])('A foreign or unknown resource is an invalid target: %s', async (_what, resource) => {
    const reply = await agent.requestToken({ resource });
    expect([reply.status, reply.body.error]).toEqual([400, 'invalid_target']);
  });

  it.each([
    [
      'the API',
      PUBLIC_URL,
      [`${PUBLIC_URL}/`, 'HTTP://API.TEST', 'http://Api.Test:80', 'http://api.test:80/'],
    ],
    [
      'an origin',
      'https://origin.example',
      [
        ...['https://origin.example/', 'HTTPS://ORIGIN.EXAMPLE', 'https://origin.example:443'],
        ...['https://Origin.Example:443/', 'https://origin.example:0443'],
      ],
    ],
    [
      'an origin that was registered with a slash, in capitals',
      'HTTPS://Slash.Example:443/',
      ['https://slash.example', 'https://slash.example/', 'https://SLASH.example:443'],
    ],
    [
      'a path',
      'https://path.example/api?v=2',
      [
        'https://PATH.example/api?v=2',
        'HTTPS://path.example:443/api?v=2',
        'https://path.example/x/../api?v=2',
      ],
    ],
    ['another port', 'https://port.example:8443', ['https://PORT.example:8443/']],
    [
      'an encoded path',
      'https://encoded.example/%7Eme/%2fa',
      ['https://encoded.example/~me/%2Fa', 'https://encoded.example/%7eme/%2fa'],
    ],
    ['a path that needs no encoding', 'https://plain.example/~a.b', ['https://plain.example/%7ea%2Eb']],
    ['another scheme', 'urn:example:~b%2Fc', ['URN:example:%7Eb%2fc']],
  ])(
    'A resource is found by any of its spellings (RFC 8707 section 2, RFC 3986 section 6.2): %s',
    async (_what, identifier, spellings) => {
      if (identifier !== PUBLIC_URL) {
        const made = await member.post('/resources', { identifier, scopes: ['a'] });
        expect([made.status, made.body.identifier]).toEqual([201, identifier]);
        await alsoGrant(identifier);
      }
      for (const resource of [identifier, ...spellings]) {
        const { body } = await agent.requestToken({ resource });
        expect([resource, body.error]).toEqual([resource, undefined]);
        const token = body.access_token as string;
        // The audience is the one identifier, whatever was asked.
        expect(decodeJwt(token).aud).toBe(identifier);
        const exchanged = await other.requestToken({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          resource: spellings[0]!,
        });
        expect(decodeJwt(exchanged.body.access_token as string).aud).toBe(identifier);
        const again = await member.post('/resources', { identifier: resource, scopes: ['a'] });
        const refused = identifier === PUBLIC_URL ? [400, 'validation_failed'] : [409, 'resource_taken'];
        expect([again.status, again.body.code]).toEqual(refused);
      }
    },
  );

  it('A resource is found by any of its spellings: two that were made apart stay apart', async () => {
    const spellings = ['https://two.example', 'https://two.example/'];
    for (const identifier of spellings) {
      await api.sql(
        `insert into resources (tenant_id, id, identifier, canonical, scopes, token_ttl_seconds, created_at)
         values ($1, $2, $3, $3, '{a}', 60, now())`,
        [member.tenantId, newId('res'), identifier],
      );
    }
    // One of a process of the version before.
    await api.sql(
      `insert into resources (tenant_id, id, identifier, scopes, token_ttl_seconds, created_at)
       values ($1, $2, 'https://before.example/', '{a}', 60, now())`,
      [member.tenantId, newId('res')],
    );
    for (const resource of [...spellings, 'https://before.example/']) {
      await alsoGrant(resource);
      const { body } = await agent.requestToken({ resource });
      expect(decodeJwt(body.access_token as string).aud).toBe(resource);
    }
  });

  it('A stored resource is found as it was written, also one that would be refused today', async () => {
    const stored = [
      ['https:loose.example', 'https://loose.example'],
      ['https://loose.example/{x}', 'https://loose.example/%7Bx%7D'],
      ['https://loose.example/%7eme', 'https://loose.example/%7eme'],
    ] as const;
    for (const [identifier, canonical] of stored) {
      await api.sql(
        `insert into resources (tenant_id, id, identifier, canonical, scopes, token_ttl_seconds, created_at)
         values ($1, $2, $3, $4, '{a}', 60, now())`,
        [member.tenantId, newId('res'), identifier, canonical],
      );
      await alsoGrant(identifier);
    }
    const spellings = [
      ...stored.map(([identifier]) => [identifier, identifier] as const),
      ...stored.map(([identifier, canonical]) => [canonical, identifier] as const),
      ['HTTPS://LOOSE.example:443/%7eme', 'https://loose.example/%7eme'] as const,
    ];
    for (const [resource, identifier] of spellings) {
      const { body } = await agent.requestToken({ resource });
      expect([resource, body.error]).toEqual([resource, undefined]);
      expect(decodeJwt(body.access_token as string).aud).toBe(identifier);
    }
    const listed = (await member.get('/resources')).body.data as { identifier: string }[];
    expect(listed.map(({ identifier }) => identifier)).toEqual(
      expect.arrayContaining(stored.map(([identifier]) => identifier)),
    );
  });

  it.each([
    'http:api.test',
    'http:\\\\api.test',
    'http:/api.test',
    'http://api.test\\',
    '\0',
    'x'.repeat(257),
  ])('A foreign or unknown resource is an invalid target: what is no URI: %j', async (resource) => {
    const reply = await agent.requestToken({ resource });
    expect([reply.status, reply.body.error]).toEqual([
      400,
      expect.stringMatching(/^invalid_(target|request)$/),
    ]);
  });

  it.each([
    ['the case of its path', 'https://strict.example/API'],
    ['a slash after its path', 'https://strict.example/api/'],
    ['an encoded slash', 'https://strict.example%2Fapi'],
    ['an encoded delimiter', 'https://strict.example/api%3B'],
    ['a query', 'https://strict.example/api?'],
    ['another scheme', 'http://strict.example/api'],
    ['another port', 'https://strict.example:444/api'],
    ['a user', 'https://user@strict.example/api'],
    ['a host that begins like it', 'https://strict.example.evil.example/api'],
  ])(
    'A foreign or unknown resource is an invalid target: one that differs by %s',
    async (_what, resource) => {
      const made = await member.post('/resources', {
        identifier: 'https://strict.example/api',
        scopes: ['a'],
      });
      if (made.status === 201) await alsoGrant('https://strict.example/api');
      const reply = await agent.requestToken({ resource });
      expect([reply.status, reply.body.error]).toEqual([400, 'invalid_target']);
    },
  );

  it('takes an empty one for none, and refuses two', async () => {
    const send = (body: string) =>
      call(api, '/oauth2/token', {
        method: 'POST',
        headers: {
          authorization: basic(agent.clientId, agent.clientSecret),
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: `grant_type=client_credentials&${body}`,
      });
    const empty = await send('resource=');
    expect(decodeJwt(empty.body.access_token as string).aud).toBe(PUBLIC_URL);
    const resource = encodeURIComponent(CRM);
    const twice = await send(`resource=${resource}&resource=${resource}`);
    expect([twice.status, twice.body.error]).toEqual([400, 'invalid_request']);
  });

  it.each(['https://mirror.example', PUBLIC_URL, 'x'.repeat(2_048)])(
    'An audience is refused, never ignored: %s',
    async (audience) => {
      const exchange = {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await agent.token(),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      };
      expect((await agent.requestToken(exchange)).status).toBe(200);
      const forms: Record<string, string>[] = [{}, { resource: PUBLIC_URL }, exchange];
      for (const more of [...forms, { ...exchange, resource: PUBLIC_URL }]) {
        const { status, body } = await agent.requestToken({ audience, ...more });
        expect([status, body.error, body.access_token]).toEqual([400, 'invalid_target', undefined]);
        expect(body.error_description).toContain('Send resource');
      }
      expect((await agent.requestToken({ audience: '' })).status).toBe(200);
    },
  );

  it('A token for a resource opens nothing of the API', async () => {
    const mirror = 'https://mirror.example';
    const scopes = ['agents:read', 'agents:write'];
    await member.post('/resources', { identifier: mirror, scopes });
    const mirrored = await registerAgent(api, member, scopes);
    await grantResources(member, mirrored, { [mirror]: scopes });
    const { body } = await mirrored.requestToken({ resource: mirror });
    expect(body.scope).toBe('agents:read agents:write');
    const headers = { authorization: `Bearer ${body.access_token as string}` };
    for (const path of ['/agents', '/resources', '/billing/usage'])
      expect((await call(api, path, { headers })).status).toBe(401);
  });

  it('A deleted resource gets no more tokens', async () => {
    const identifier = 'https://gone.example';
    const { body } = await member.post('/resources', { identifier, scopes: ['a'] });
    const client = await registerAgent(api, member);
    await grantResources(member, client, { [identifier]: ['a'] });
    const second = await startApi({ database: api.database });
    const ask = (from: TestApi) =>
      call(from, '/oauth2/token', {
        method: 'POST',
        headers: { authorization: basic(client.clientId, client.clientSecret) },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: identifier }),
      });
    expect([(await ask(api)).status, (await ask(second)).status]).toEqual([200, 200]);
    await remove(body.resourceId as string);
    expect([(await ask(api)).status, (await ask(second)).status]).toEqual([400, 400]);
    await until('the resource is none', async () => {
      const errors = [(await ask(api)).body.error, (await ask(second)).body.error];
      return errors.every((error) => error === 'invalid_target');
    });
    await second.close();
  });
});
