import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Rights } from '../../catalog/identity/types.ts';
import type { TalkChannel } from '../../hub/types.ts';
import { type ApiFixture, openApiFixture, withoutLogins } from '../api-fixture.ts';
import { TalkListener } from './talk-listener.ts';

/** A device that notes what it is told, and hangs up when asked to. */
class Device {
  opened = 0;
  closed = 0;
  readonly #ended = Promise.withResolvers<undefined>();
  readonly channel: TalkChannel = {
    track: { id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, parameterSets: [] },
    write: () => {},
    ended: this.#ended.promise,
    close: () => {
      this.closed++;
    },
  };

  hangUp(): void {
    this.#ended.resolve(undefined);
  }
}

async function open(fixture: ApiFixture, device: Device): Promise<string> {
  const { hub } = fixture.deps;
  await hub.define({
    ...{ id: 'gate', title: 'gate', protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
  });
  const desk = {
    open: async () => {
      device.opened++;
      return device.channel;
    },
  };
  const listener = new TalkListener({ hub, access: fixture.api.access, clock: fixture.clock, desk });
  for (const prefix of TalkListener.prefixes)
    fixture.server.onUpgrade(prefix, (request, socket, head) => void listener.upgrade(request, socket, head));
  const { port } = await fixture.server.listen('127.0.0.1:0');
  return `ws://127.0.0.1:${port}`;
}

/** Asks for a WebSocket; resolves to it, or to the status of the refusal. */
async function dial(url: string, headers: Record<string, string> = {}): Promise<WebSocket | number> {
  const { WebSocket: Client } = await import('ws');
  const socket = new Client(url, { headers });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket as unknown as WebSocket));
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('error', (error) => (/Unexpected|closed before/.test(error.message) ? undefined : reject(error)));
  });
}

test('operators of the stream speak; viewers, others and pages of other sites do not, and no device is called', async () => {
  await using fixture = await openApiFixture();
  const device = new Device();
  const base = await open(fixture, device);
  const { identity } = fixture.deps;
  const user = await identity.users.add({ name: 'anna', password: 'long enough', role: 'admin' });
  const bearer = async (name: string, limits: Rights) => {
    const { secret } = await identity.tokens.create(user, { name, limits });
    return { authorization: `Bearer ${secret}` };
  };
  const operator = await bearer('a', { role: 'operator' });
  const refused: [Record<string, string>, number][] = [
    [{}, 401],
    [await bearer('b', { role: 'viewer' }), 403],
    [await bearer('c', { role: 'operator', streams: ['yard'] }), 403],
    [{ ...operator, origin: 'http://192.0.2.1' }, 403],
  ];
  for (const [headers, status] of refused)
    assert.equal(await dial(`${base}/api/v1/streams/gate/talk`, headers), status);
  assert.equal(await dial(`${base}/api/v1/streams/yard/talk`, operator), 404);
  assert.equal(await dial(`${base}/api/v1/streams/gate/talk?codec=mp3`, operator), 400);
  assert.equal(await dial(`${base}/api/v1/streams/gate`, operator), 404);
  assert.equal(device.opened, 0);
  const socket = (await dial(`${base}/api/video/streams/gate/talk?codec=pcma`, operator)) as WebSocket;
  assert.equal(device.opened, 1);
  const denied = (await fixture.deps.audit.query({ limit: 10 })).map(({ action, detail }) => `${action} ${detail}`);
  assert.ok(denied.includes('denied talk'), denied.join());
  assert.ok(
    denied.some((entry) => entry.startsWith('talk')),
    denied.join(),
  );
  device.hangUp();
  await once(socket as unknown as NodeJS.EventEmitter, 'close');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(device.closed > 0);
});

test('a talker who says nothing for a minute is hung up on', async () => {
  await using fixture = await openApiFixture({ overrides: withoutLogins });
  const device = new Device();
  const base = await open(fixture, device);
  const socket = (await dial(`${base}/api/v1/streams/gate/talk`)) as WebSocket;
  const closed = once(socket as unknown as NodeJS.EventEmitter, 'close');
  fixture.clock.advance(50_000);
  assert.equal(socket.readyState, 1);
  fixture.clock.advance(20_000);
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(device.closed > 0);
});

const ends: readonly [what: string, end: (fixture: ApiFixture, tokenId: string) => Promise<unknown>, code: number][] = [
  ['whose token is revoked', ({ deps }, id) => deps.identity.tokens.revoke(id), 4401],
  ['whose user may only look now', ({ deps }) => deps.identity.users.change('bert', { role: 'viewer' }), 4403],
  ['whose camera is removed', ({ deps }) => deps.hub.remove('gate'), 4404],
];
for (const [what, end, code] of ends)
  test(`a talker ${what} is cut off with ${code}, and the device hung up on`, async () => {
    await using fixture = await openApiFixture();
    const device = new Device();
    const base = await open(fixture, device);
    const user = await fixture.deps.identity.users.add({ name: 'bert', password: 'long enough', role: 'operator' });
    const { id, secret } = await fixture.deps.identity.tokens.create(user, { name: 'x' });
    const url = `${base}/api/v1/streams/gate/talk?token=${secret}`;
    const socket = (await dial(url)) as unknown as NodeJS.EventEmitter;
    const closed = once(socket, 'close');
    await end(fixture, id);
    assert.equal((await closed)[0], code);
    for (let i = 0; i < 100 && device.closed === 0; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(device.closed > 0);
  });
