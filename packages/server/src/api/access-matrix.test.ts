import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rights } from '../catalog/identity/types.ts';
import { type ApiFixture, openApiFixture } from './api-fixture.ts';
import { needs, type RouteNeeds } from './auth/route-needs.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Every operation, and what it must need: written down here once more, so that no route changes it by the way. */
const expected: Readonly<Record<string, RouteNeeds>> = {
  'GET /health': needs.nothing,
  'GET /ready': needs.nothing,
  'GET /metrics': needs.viewServer,
  'GET /api/v1/openapi.json': needs.nothing,
  'GET /api/v1/session': needs.nothing,
  'POST /api/v1/setup': needs.nothing,
  'POST /api/v1/login': needs.nothing,
  'POST /api/v1/logout': needs.login,
  'GET /api/v1/sessions': needs.login,
  'DELETE /api/v1/sessions/{id}': needs.login,
  'POST /api/v1/password': needs.login,
  'GET /api/v1/tokens': needs.administer,
  'POST /api/v1/tokens': needs.administer,
  'DELETE /api/v1/tokens/{id}': needs.administer,
  'GET /api/v1/users': needs.administer,
  'POST /api/v1/users': needs.administer,
  'PATCH /api/v1/users/{name}': needs.administer,
  'DELETE /api/v1/users/{name}': needs.administer,
  'GET /api/v1/audit': needs.administer,
  'GET /api/v1/streams': needs.viewList,
  'POST /api/v1/streams': needs.administer,
  'POST /api/v1/streams/ingest': needs.administer,
  'GET /api/v1/streams/{id}': needs.viewStream,
  'PATCH /api/v1/streams/{id}': needs.administerStream,
  'DELETE /api/v1/streams/{id}': needs.administerStream,
  'GET /api/v1/streams/{id}/stats': needs.viewStream,
  'GET /api/v1/streams/{id}/doctor': needs.viewStream,
  'GET /api/v1/streams/{id}/play': needs.viewStream,
  'GET /api/v1/streams/{id}/publish': needs.operateStream,
  'GET /api/v1/streams/{id}/snapshot': needs.viewStream,
  'POST /api/v1/streams/{id}/talk': needs.operateStream,
  'POST /api/v1/streams/{id}/stop': needs.administerStream,
  'POST /api/v1/streams/{id}/start': needs.administerStream,
  'POST /api/v1/streams/{id}/recording/start': needs.operateStream,
  'POST /api/v1/streams/{id}/recording/stop': needs.operateStream,
  'POST /api/v1/streams/{id}/recording/auto': needs.operateStream,
  'POST /api/v1/streams/{id}/events': needs.operateStream,
  'GET /api/v1/schedules': needs.viewList,
  'PUT /api/v1/schedules/{name}': needs.administer,
  'DELETE /api/v1/schedules/{name}': needs.administer,
  'POST /api/v1/probe': needs.administer,
  'GET /api/v1/discovery': needs.administer,
  'GET /api/v1/recordings/{id}': needs.viewStream,
  'GET /api/v1/recordings/{id}/timeline': needs.viewStream,
  'GET /api/v1/recordings/{id}/days': needs.viewStream,
  'GET /api/v1/recordings/{id}/playback': needs.viewStream,
  'GET /api/v1/recordings/{id}/snapshot': needs.viewStream,
  'GET /api/v1/recordings/{id}/keyframes': needs.viewStream,
  'GET /api/v1/recordings/{id}/locks': needs.viewStream,
  'PUT /api/v1/recordings/{id}/locks': needs.operateStream,
  'DELETE /api/v1/recordings/{id}/locks/{lock}': needs.operateStream,
  'POST /api/v1/recordings/{id}/export': needs.operateStream,
  'GET /api/v1/exports': needs.operateList,
  'GET /api/v1/exports/{job}': needs.operateList,
  'DELETE /api/v1/exports/{job}': needs.operateList,
  'GET /api/v1/exports/{job}/file': needs.operateList,
  'GET /tunnels': needs.viewServer,
  'GET /tunnels/{id}': needs.viewServer,
  'POST /tunnels/{id}/restart': needs.administer,
  'GET /api/v1/tunnels': needs.viewServer,
  'GET /api/v1/tunnels/{id}': needs.viewServer,
  'POST /api/v1/tunnels/{id}/restart': needs.administer,
  'GET /api/v1/agents': needs.administer,
  'GET /api/v1/agents/enrolment-tokens': needs.administer,
  'POST /api/v1/agents/enrolment-tokens': needs.administer,
  'DELETE /api/v1/agents/enrolment-tokens/{token}': needs.administer,
  'DELETE /api/v1/agents/{id}': needs.administer,
  'POST /api/v1/agents/{id}/release': needs.administer,
  'POST /api/v1/agents/{id}/commands': needs.administer,
  'POST /api/v1/agents/{id}/adopt': needs.administer,
  'POST /api/v1/agents/{id}/page': needs.administer,
  'GET /api/v1/storage': needs.viewList,
  'GET /api/v1/registrations': needs.administer,
  'GET /api/v1/server': needs.viewServer,
  'POST /api/v1/config/reload': needs.administer,
  'GET /api/v1/events': needs.viewList,
};

interface Caller {
  readonly name: string;
  readonly rights: Rights;
}

/** Each role without a limit, limited to the stream that is asked for, and to another. */
const callers: readonly Caller[] = (['admin', 'operator', 'viewer'] as const).flatMap((role) =>
  [undefined, ['gate'], ['yard']].map((streams) => ({
    name: `${role}${streams ? ` of "${streams}"` : ''}`,
    rights: { role, ...(streams && { streams }) },
  })),
);

/** The code of the refusal; undefined where the caller is let in. */
function refusal(wanted: RouteNeeds, { role, streams }: Rights): string | undefined {
  const order = ['admin', 'operator', 'viewer', 'open'];
  if (order.indexOf(role) > order.indexOf(wanted.role)) return 'ROLE_NEEDED';
  if (wanted.streams === 'all' && streams) return 'STREAMS_LIMITED';
  if (wanted.streams === 'one' && streams && !streams.includes('gate')) return 'STREAM_FORBIDDEN';
  return undefined;
}

function operations(fixture: ApiFixture): { method: Method; path: string; key: string }[] {
  const paths = fixture.api.document()['paths'] as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.keys(byMethod).map((method) => {
      const upper = method.toUpperCase() as Method;
      return { method: upper, path, key: `${upper} ${path}` };
    }),
  );
}

const refusals = ['ROLE_NEEDED', 'STREAMS_LIMITED', 'STREAM_FORBIDDEN'];

test('every route has an entry in the table of rights, and every entry a route', async () => {
  await using fixture = await openApiFixture();
  assert.deepEqual(
    operations(fixture)
      .map(({ key }) => key)
      .sort(),
    Object.keys(expected).sort(),
  );
});

for (const prefix of ['/api/v1', '/api/video'])
  for (const id of ['gate', 'gate.sub'])
    test(`below ${prefix} each route lets in whom it should, for the stream ${id}, and nobody else`, async () => {
      await using fixture = await openApiFixture();
      const { identity } = fixture.deps;
      const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
      const secrets = new Map<Caller, string>();
      for (const caller of callers) {
        const { secret } = await identity.tokens.create(user, { name: caller.name, limits: caller.rights });
        secrets.set(caller, secret);
      }
      let asked = 0;
      for (const { method, path, key } of operations(fixture)) {
        const url = path
          .replace('/api/v1', prefix)
          .replace('{id}', id)
          .replace(/\{\w+\}/, 'nobody');
        const ask = (headers: Record<string, string>) => fixture.app.inject({ method, url, headers });
        const wanted = expected[key]!;
        if (wanted.role !== 'open') {
          assert.deepEqual(codeOf(await ask({})), [401, 'LOGIN_NEEDED'], key);
          assert.deepEqual(codeOf(await ask({ authorization: 'Bearer wp_wrong' })), [401, 'TOKEN_INVALID'], key);
        }
        for (const [caller, secret] of secrets) {
          const answer = await ask({ authorization: `Bearer ${secret}` });
          const refused = refusal(wanted, caller.rights);
          const [status, code] = codeOf(answer);
          asked++;
          if (refused !== undefined) assert.deepEqual([status, code], [403, refused], `${caller.name}: ${key}`);
          else assert.ok(status !== 401 || wanted.role === 'open', `${caller.name}: ${key}: ${answer.body}`);
          if (refused === undefined) assert.ok(!refusals.includes(code ?? ''), `${caller.name}: ${key}: ${code}`);
        }
      }
      assert.ok(asked >= 40 * callers.length);
    });

function codeOf(answer: { statusCode: number; body: string; headers: object }): [number, string | undefined] {
  const type = String((answer.headers as Record<string, unknown>)['content-type'] ?? '');
  return [answer.statusCode, type.includes('problem+json') ? JSON.parse(answer.body).code : undefined];
}

test('a route that says nothing about rights lets in administrators only', async () => {
  await using fixture = await openApiFixture();
  const { guard } = await import('./auth/guard.ts');
  const { Authenticator } = await import('./auth/authenticator.ts');
  const { createHttpServer } = await import('../net/http-server.ts');
  const { identity, audit, logger } = fixture.deps;
  const server = createHttpServer({ logger });
  const authenticator = new Authenticator(identity, () => ({ mode: 'required', hosts: [] }));
  guard(server.app, { authenticator, audit, streamOfSegment: async () => undefined });
  server.app.get('/bare', async () => 'in');
  await server.app.ready();
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  for (const caller of callers) {
    const { secret } = await identity.tokens.create(user, { name: 'x', limits: caller.rights });
    const answer = await server.app.inject({ url: '/bare', headers: { authorization: `Bearer ${secret}` } });
    assert.equal(answer.statusCode, caller.name === 'admin' ? 200 : 403, caller.name);
  }
  await server.close();
});
