import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, type TestServer, wait } from './harness.ts';

/** Pulls go on for so long after the last reader. */
const lingerMs = 10_000;

let server: TestServer;
const cameras: Record<string, RtspCamera> = {};

before(async () => {
  for (const id of ['tcp', 'udp', 'recorded', 'gone']) cameras[id] = await startRtspCamera({ port: 0 });
  await cameras['gone']!.setFaults({ vanish: true });
  const url = (id: string) => cameras[id]!.urls['main']!;
  server = await startTestServer({
    cameras: [
      { id: 'tcp', url: url('tcp'), more: 'on_demand = true' },
      { id: 'udp', url: `${url('udp')}#transport=udp`, more: 'on_demand = true' },
      { id: 'recorded', url: url('recorded'), more: 'on_demand = true\nrecord = true' },
      { id: 'gone', url: url('gone'), more: 'on_demand = true' },
    ],
  });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const camera of Object.values(cameras)) await camera.close();
});

/** Somebody who watches; resolves once bytes of pictures come, to how to stop. */
async function watch(id: string): Promise<() => void> {
  const socket = new WebSocket(`${server.base.replace('http', 'ws')}/fmp4/${id}`);
  socket.binaryType = 'arraybuffer';
  let messages = 0;
  await new Promise<void>((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer && ++messages === 3) resolve();
    };
    socket.onerror = () => reject(new Error('the viewer was refused'));
  });
  return () => socket.close();
}

describe('a camera on demand', { concurrency: 4 }, () => {
  for (const id of ['tcp', 'udp'])
    test(`is pulled from its first viewer until some seconds after its last one: ${id}`, { timeout: 40_000 }, () =>
      server.guard(async () => {
        const camera = cameras[id]!;
        assert.equal((await server.stream(id)).state, 'on_demand');
        await wait(1000);
        assert.equal(camera.connectionCount, 0, 'nobody asked for it');
        const beganMs = performance.now();
        const leave = await watch(id);
        assert.ok(performance.now() - beganMs < 6000, `the first picture took ${performance.now() - beganMs} ms`);
        const leaveToo = await watch(id);
        assert.deepEqual([camera.connectionCount, camera.sessionCount], [1, 1], 'one pull for all');
        leave();
        leaveToo();
        await wait(lingerMs / 2);
        assert.equal(camera.sessionCount, 1, 'whoever comes back soon finds it');
        await server.waitFor(id, 'on_demand', lingerMs);
        await wait(300);
        assert.equal(camera.sessionCount, 0);
        const again = await watch(id);
        assert.equal(camera.connectionCount, 2);
        again();
      }),
    );

  test('is always pulled while it is recorded', { timeout: 40_000 }, () =>
    server.guard(async () => {
      await server.waitFor('recorded', 'online', 10_000);
      await wait(lingerMs + 3000);
      const stream = await server.stream('recorded');
      assert.deepEqual([stream.state, stream.recording.state], ['online', 'recording']);
      assert.equal(cameras['recorded']!.connectionCount, 1);
    }),
  );

  test('says why it does not come, and comes when it can', { timeout: 40_000 }, () =>
    server.guard(async () => {
      const watching = watch('gone');
      const { reason } = await server.waitFor('gone', 'offline', 5000);
      assert.equal(reason?.kind, 'unavailable');
      await cameras['gone']!.setFaults({ vanish: false });
      (await watching)();
    }),
  );
});
