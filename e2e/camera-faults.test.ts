import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type RtspCamera, type RtspCameraOptions, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import WebSocket from 'ws';
import { startTestServer, type TestServer, wait } from './harness.ts';
import { checkRecordings, clockSpreadMs, jumpsOf, type Recorded } from './recorded-frames.ts';

/** Each test has a camera of its own, under its name and path; all are recorded by one server at the same time. */
const setups: Readonly<Record<string, { path?: string } & RtspCameraOptions>> = {
  vanishes: {},
  freezes: { path: 'h265' },
  'black-hole': {},
  'no-keys': {},
  garbage: { faults: { garbageBytes: 37 } },
  'garbage-h265': { path: 'h265', faults: { garbageBytes: 300 } },
  'cut-tails': {},
  resizes: {},
  'wrong-time': {},
  'wrong-time-h265': { path: 'h265' },
  'no-marker': { faults: { noMarker: true } },
  'no-marker-h265': { path: 'h265', faults: { noMarker: true } },
  'in-band': { faults: { inBandOnly: true } },
  'in-band-h265': { path: 'h265', faults: { inBandOnly: true } },
  redirects: {},
  forgetful: { faults: { sessionTimeoutMs: 6000 } },
};

const cameras = new Map<string, RtspCamera>();
/** A cable to the camera `black-hole` that can be cut: nothing gets through then, and nobody is told. */
const cable = { isCut: false, sockets: new Set<net.Socket>(), listener: net.createServer(connectCable) };
let server: TestServer;

before(async () => {
  const all = await Promise.all(
    Object.entries(setups).map(async ([id, { path = 'main', ...options }]) => {
      const camera = await startRtspCamera({ port: 0, ...options });
      cameras.set(id, camera);
      if (id === 'black-hole') return { id, url: await cableUrl() };
      return { id, url: camera.urls[path]! };
    }),
  );
  await cameras.get('redirects')!.setFaults({ redirectOnce: cameras.get('forgetful')!.urls['main']! });
  server = await startTestServer({ cameras: all });
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const socket of cable.sockets) socket.destroy();
  cable.listener.close();
  for (const camera of cameras.values()) await camera.close();
});

function connectCable(near: net.Socket): void {
  const far = net.connect(cameras.get('black-hole')!.port, '127.0.0.1');
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    cable.sockets.add(from);
    from.on('data', (data) => cable.isCut || to.write(data));
    from.on('error', () => {});
    from.on('close', () => cable.isCut || to.destroy());
  }
}

function cableUrl(): Promise<string> {
  return new Promise((resolve) => {
    cable.listener.listen(0, '127.0.0.1', () => {
      const { port } = cable.listener.address() as net.AddressInfo;
      resolve(`rtsp://127.0.0.1:${port}/main`);
    });
  });
}

/** A test once its camera is online, and has been recorded for a while. */
function faultTest(title: string, id: string, body: (camera: RtspCamera) => Promise<void>): void {
  test(title, { timeout: 55_000 }, () =>
    server.guard(async () => {
      await server.waitFor(id, (stream) => stream.recording.state === 'recording', 12_000);
      await wait(3000);
      await body(cameras.get(id)!);
    }),
  );
}

/** Recordings that hold each picture exactly once, at its time. */
function assertComplete(recorded: Recorded, minFrames: number): void {
  assert.deepEqual(jumpsOf(recorded.frames), []);
  assert.deepEqual(recorded.gaps, []);
  assert.ok(recorded.frames.flat().length >= minFrames, `${recorded.frames.flat().length} pictures`);
  assertClock(recorded);
}

function assertClock(recorded: Recorded): void {
  assert.ok(clockSpreadMs(recorded) < 300, `the clock of the recording strays by ${clockSpreadMs(recorded)} ms`);
}

/** One hole in the pictures, as long as the gap that explains it. */
function assertOneGap(recorded: Recorded, reasons: readonly string[]): void {
  const inner = recorded.gaps;
  assert.ok(inner.length > 0, 'there is a gap');
  for (const { reason } of inner) assert.ok(reasons.includes(reason!), `${reason}, not one of ${reasons}`);
  const jumps = jumpsOf(recorded.frames);
  assert.ok(jumps.length <= 1, JSON.stringify(jumps));
  const gapMs = inner.at(-1)!.endMs - inner[0]!.startMs;
  // Whole loops of the clip cannot be told apart; after just one of them there is no jump at all.
  const missingMs = (jumps[0]?.missing ?? 0) * 40;
  const offMs = ((gapMs - missingMs + 4000 + 80_000) % 8000) - 4000;
  assert.ok(Math.abs(offMs) < 300, `${gapMs} ms of gap, ${missingMs} ms of pictures missing`);
  assertClock(recorded);
}

describe('a camera that', { concurrency: true }, () => {
  faultTest('vanishes and comes back: told, explained, recorded on', 'vanishes', async (camera) => {
    await camera.setFaults({ vanish: true });
    const vanishedAt = performance.now();
    const offline = await server.waitFor('vanishes', 'offline', 3000);
    assert.ok(offline.reason?.message);
    assert.ok(offline.retry_at);
    await wait(4000);
    await camera.setFaults({ vanish: false });
    await server.waitFor('vanishes', 'online', 15_000);
    const awaySeconds = (performance.now() - vanishedAt) / 1000;
    await wait(4000);
    const events = await server.events('vanishes');
    const told = events.filter(({ type }) => type.startsWith('stream.o'));
    assert.deepEqual(
      told.map(({ type }) => type),
      ['stream.online', 'stream.offline', 'stream.online'],
    );
    assert.ok(told[1]!.reason);
    const gapSeconds = Number(told[2]!.data['gap_seconds']);
    assert.ok(Math.abs(gapSeconds - awaySeconds) < 2.5, `${gapSeconds} s told, ${awaySeconds} s away`);
    assertOneGap(await checkRecordings(server, 'vanishes'), ['camera_offline', 'camera_refused']);
  });

  faultTest('freezes is found within 11 s and recorded again when it thaws', 'freezes', async (camera) => {
    await camera.setFaults({ freeze: true });
    const found = await server.waitFor('freezes', ({ reason }) => reason?.code === 'SOURCE_SILENT', 12_000);
    assert.equal(found.reason?.kind, 'timeout');
    await camera.setFaults({ freeze: false });
    await server.waitFor('freezes', 'online', 12_000);
    await wait(4000);
    assertOneGap(await checkRecordings(server, 'freezes'), ['camera_hung']);
  });

  faultTest('is cut off without a word is found within 11 s', 'black-hole', async () => {
    cable.isCut = true;
    const found = await server.waitFor('black-hole', 'offline', 12_000);
    assert.equal(found.reason?.code, 'SOURCE_SILENT');
    cable.isCut = false;
    await server.waitFor('black-hole', 'online', 15_000);
    await wait(4000);
    assertOneGap(await checkRecordings(server, 'black-hole'), ['camera_hung', 'network_timeout', 'camera_offline']);
  });

  faultTest('sends no key picture is connected again', 'no-keys', async (camera) => {
    await camera.setFaults({ freezeKeyFrames: true });
    // The newest key picture may be all of a GOP old, and that is when the time begins.
    await server.waitFor('no-keys', ({ reason }) => reason?.code === 'SOURCE_NO_KEY_FRAME', 12_500);
    await camera.setFaults({ freezeKeyFrames: false });
    await server.waitFor('no-keys', 'online', 12_000);
    await wait(4000);
    const recorded = await checkRecordings(server, 'no-keys', { mayComplain: true });
    assertClock(recorded);
    assert.ok(recorded.gaps.some(({ reason }) => reason === 'camera_hung'));
  });

  for (const id of ['garbage', 'garbage-h265']) {
    faultTest(`sends garbage between its frames loses nothing (${id})`, id, async () => {
      await wait(6000);
      const { counters, lost } = (await server.stats(id)) as unknown as {
        counters: Record<string, number>;
        lost: number;
      };
      assert.ok(counters['garbage_bytes']! > 1000, JSON.stringify(counters));
      assert.equal(lost, 0);
      assertComplete(await checkRecordings(server, id), 175);
    });
  }

  faultTest('drops tails of frames loses those pictures only', 'cut-tails', async (camera) => {
    await camera.setFaults({ dropTailEvery: 61 });
    await wait(8000);
    await camera.setFaults({ dropTailEvery: 0 });
    await wait(5000);
    assert.equal((await server.stream('cut-tails')).state, 'online');
    const recorded = await checkRecordings(server, 'cut-tails');
    const jumps = jumpsOf(recorded.frames);
    assert.ok(jumps.length > 0, 'tails were dropped');
    for (const { missing } of jumps) assert.ok(missing < 100, JSON.stringify(jumps));
    assertClock(recorded);
  });

  faultTest('changes its resolution is recorded and shown on', 'resizes', async (camera) => {
    const widths: number[] = [];
    const socket = new WebSocket(`${server.base.replace('http', 'ws')}/fmp4/resizes`);
    socket.on('message', (data: Buffer, isBinary) => {
      const message = isBinary ? undefined : JSON.parse(data.toString());
      if (message?.type === 'init') widths.push(message.tracks[0].width);
    });
    await wait(1000);
    await camera.setFaults({ clip: 'sub-h264' });
    await wait(5000);
    await camera.setFaults({ clip: '' });
    await wait(5000);
    socket.terminate();
    assert.deepEqual(widths, [640, 320, 640]);
    const recorded = await checkRecordings(server, 'resizes');
    assertComplete(recorded, 300);
    assert.ok(new Set(recorded.segments.map(({ run }) => run)).size >= 3);
  });

  for (const id of ['wrong-time', 'wrong-time-h265']) {
    faultTest(`steps its timestamps is recorded as if it had not (${id})`, id, async (camera) => {
      for (const fault of ['jump', 'backwards', 'reset', 'wrap'] as const) {
        camera.shiftTimestamps(fault);
        await wait(4000);
      }
      assertComplete(await checkRecordings(server, id), 400);
    });
  }

  for (const id of ['no-marker', 'no-marker-h265', 'in-band', 'in-band-h265']) {
    faultTest(`has its ways is recorded without loss (${id})`, id, async () => {
      await wait(6000);
      assertComplete(await checkRecordings(server, id), 175);
    });
  }

  faultTest('redirects is followed', 'redirects', async (camera) => {
    assert.equal(camera.sessionCount, 0);
    await wait(4000);
    assertComplete(await checkRecordings(server, 'redirects'), 125);
  });

  faultTest('forgets silent clients is kept alive', 'forgetful', async () => {
    await wait(15_000);
    assert.equal((await server.stats('forgetful'))['reconnects'], 0);
    assertComplete(await checkRecordings(server, 'forgetful'), 400);
  });
});
