// Backends come and go while the server records to them and FFmpeg plays; what was recorded is decoded picture by picture.
import assert from 'node:assert/strict';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { runProgram, startTestServer, type TestServer, wait } from './harness.ts';
import { assertConsecutive, numbersOf } from './live-numbers.ts';
import { complaintsOf, framesOf, jumpsOf } from './recorded-frames.ts';

interface Reloaded {
  readonly applied: readonly { readonly key: string; readonly change: string; readonly cost: string }[];
  readonly restart: readonly unknown[];
}

interface Storage {
  readonly backends: readonly { readonly name: string; readonly state: string }[];
}

const backend = (name: string, folder = name) =>
  `[[storage.backends]]\ntype = "local"\nname = "${name}"\nbase_path = "${folder}"\nmin_free = "0.1%"\n`;

/** Lets the file name these backends, in this order, and asks for it to be read. */
async function nameBackends(server: TestServer, text: string): Promise<Reloaded> {
  server.rewrite((before) => before.replace(/^\[\[storage\.backends\]\][\s\S]*?(?=^\[\[cameras\]\])/m, text));
  return server.api('/config/reload', { method: 'POST' });
}

const files = (server: TestServer, folder: string) =>
  globSync(`${folder}/gate/**/*.mp4`, { cwd: server.dir }).map((file) => join(server.dir, file));

const keysOf = ({ applied }: Reloaded) => applied.map(({ key, change, cost }) => `${key} ${change} ${cost}`);

async function until(what: () => boolean | Promise<boolean>, why: string): Promise<void> {
  for (let i = 0; i < 150; i++, await wait(100)) if (await what()) return;
  throw new Error(`never: ${why}`);
}

test('backends are added, removed and broken, and no picture is missing live or in what was recorded', {
  timeout: 90_000,
}, async () => {
  await using camera = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using server = await startTestServer({ cameras: [{ id: 'gate', url: camera.urls['sub']! }] });
  await server.guard(async () => {
    const storage = () => server.api<Storage>('/storage');
    await server.waitFor('gate', ({ recording }) => recording.state === 'recording', 15_000);
    await until(() => files(server, 'video').length > 0, 'a first file');
    const live = runProgram(
      'ffmpeg',
      [
        ...['-v', 'error', '-i', `${server.base}/flv/gate.flv`, '-an', '-frames:v', '350', '-fps_mode', 'passthrough'],
        ...['-vf', 'scale=320:180', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
      ],
      60_000,
    );

    // Added in front: the next file goes there. One that cannot be made holds nothing up.
    writeFileSync(join(server.dir, 'file'), '');
    const added = await nameBackends(server, backend('bad', 'file/x') + backend('new') + backend('disk', 'video'));
    assert.deepEqual(keysOf(added), [
      'storage.backends.bad added these readers',
      'storage.backends.new added these readers',
    ]);
    assert.deepEqual(added.restart, []);
    await until(() => files(server, 'new').length > 0, 'a file on the new backend');
    const states = async () => (await storage()).backends.map(({ name, state }) => `${name} ${state}`);
    const isTold = async () => (await states()).join() === 'bad error,new ok,disk ok';
    await until(isTold, 'the one that cannot be made is told as such');

    // The one that is written to is removed: its file ends at a key picture, and the next one takes over.
    const before = files(server, 'video').length;
    await nameBackends(server, backend('disk', 'video'));
    assert.deepEqual(
      (await storage()).backends.map(({ name }) => name),
      ['disk'],
    );
    await until(() => server.log.includes('a storage volume is let go of'), 'the removed volume is let go of');
    await until(() => files(server, 'video').length > before, 'a file on the backend that is left');
    await wait(1500);

    const { stdout, stderr } = await live;
    assert.equal(stderr, '');
    assertConsecutive(numbersOf(stdout), 350, 'live');
    await server.api('/streams/gate/stop', { method: 'POST' });
    await wait(2500);
    const recorded = [...files(server, 'video'), ...files(server, 'new')].sort((a, b) =>
      a.slice(a.lastIndexOf('/')) < b.slice(b.lastIndexOf('/')) ? -1 : 1,
    );
    const frames: (number | undefined)[][] = [];
    for (const file of recorded) {
      assert.equal(await complaintsOf(file), '', file);
      frames.push(await framesOf(file));
    }
    assert.deepEqual(jumpsOf(frames), []);
    const { gaps } = await server.api<{ gaps: { reason: string }[] }>('/recordings/gate');
    assert.deepEqual(
      gaps.filter(({ reason }) => reason.startsWith('disk')),
      [],
    );
  });
});
