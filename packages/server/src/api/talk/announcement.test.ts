import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import type { TalkChannel } from '../../hub/types.ts';
import { type ApiFixture, openApiFixture } from '../api-fixture.ts';

/** A device that notes what it is told. */
class Device {
  frames = 0;
  closed = 0;
  readonly channel: TalkChannel = {
    track: { id: 0, kind: 'audio', codec: 'pcma', clockRate: 8000, parameterSets: [] },
    write: () => {
      this.frames++;
    },
    ended: new Promise(() => {}),
    close: () => {
      this.closed++;
    },
  };
}

const ways = { whole: 60 * 8000, stalls: 8000 };

/** Somebody announces a minute of sound, all of it at once or a second and no more; resolves once the device hears it. */
async function announce(fixture: ApiFixture, device: Device, way: keyof typeof ways) {
  const { hub, identity } = fixture.deps;
  await hub.define({
    ...{ id: 'gate', title: 'gate', protocol: 'rtsp', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
  });
  const user = await identity.users.add({ name: 'bert', password: 'long enough', role: 'operator' });
  const { id, secret } = await identity.tokens.create(user, { name: 'x' });
  const { port } = await fixture.server.listen('127.0.0.1:0');
  const path = '/api/v1/streams/gate/talk?codec=pcma';
  const headers = {
    authorization: `Bearer ${secret}`,
    'content-type': 'application/octet-stream',
    'content-length': ways.whole,
  };
  const asked = request({ host: '127.0.0.1', port, path, method: 'POST', headers });
  const answered = statusOf(asked);
  asked.write(new Uint8Array(ways[way]));
  await until(fixture, () => device.frames > 10);
  return { asked, answered, tokenId: id };
}

async function statusOf(asked: ClientRequest): Promise<string> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const { code } = JSON.parse((await response.toArray()).join('')) as { code: string };
  return `${response.statusCode} ${code}`;
}

/** Time goes by until something is so. */
async function until(fixture: ApiFixture, isSo: () => boolean): Promise<void> {
  for (let i = 0; !isSo(); i++) {
    assert.ok(i < 300, 'it never was');
    fixture.clock.advance(20);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ends: readonly [what: string, end: (fixture: ApiFixture, tokenId: string) => Promise<unknown>, answer: string][] =
  [
    ['whose token is revoked', ({ deps }, id) => deps.identity.tokens.revoke(id), '401 ACCESS_REVOKED'],
    [
      'whose user may only look now',
      ({ deps }) => deps.identity.users.change('bert', { role: 'viewer' }),
      '403 ROLE_NEEDED',
    ],
    ['whose camera is removed', ({ deps }) => deps.hub.remove('gate'), '404 STREAM_REMOVED'],
  ];
for (const way of ['whole', 'stalls'] as const)
  for (const [what, end, answer] of ends)
    test(`an announcement of somebody ${what} ends at once (${way})`, { timeout: 10_000 }, async () => {
      const device = new Device();
      await using fixture = await openApiFixture({
        overrides: { talk: { open: async () => device.channel } as never },
      });
      const { asked, answered, tokenId } = await announce(fixture, device, way);
      await end(fixture, tokenId);
      await until(fixture, () => device.closed > 0);
      assert.ok(device.frames < 1000, `${device.frames} frames were sent`);
      assert.equal(await answered, answer);
      asked.destroy();
    });

for (const way of ['whole', 'stalls'] as const)
  test(`an announcement ends with whoever hangs up (${way})`, { timeout: 10_000 }, async () => {
    const device = new Device();
    await using fixture = await openApiFixture({ overrides: { talk: { open: async () => device.channel } as never } });
    const { asked, answered } = await announce(fixture, device, way);
    answered.catch(() => {});
    asked.destroy();
    await until(fixture, () => device.closed > 0);
    assert.ok(device.frames < 1000, `${device.frames} frames were sent`);
  });
