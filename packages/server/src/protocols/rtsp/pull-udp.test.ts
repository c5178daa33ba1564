import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CameraFaults } from '@watchpost/simulator/faults.ts';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { PullBench } from './pull-bench.ts';

async function open(faults: CameraFaults = {}): Promise<RtspCamera> {
  return startRtspCamera({ port: 0, faults });
}

describe('pulls over UDP', { concurrency: 6 }, () => {
  test('a camera is pulled over UDP: pictures, sound, loss none, capture time by sender reports', async () => {
    await using camera = await open();
    await using pull = new PullBench(camera.urls['main']!, { transport: ['udp'] });
    await pull.until(() => pull.count('video') >= 40 && pull.count('audio') >= 20);
    assert.deepEqual((await pull.stream).transport, { name: 'udp' });
    const video = pull.samples.filter(({ track }) => track.kind === 'video');
    assert.ok(video.every(({ lost }) => lost === 0));
    // The camera stamps a picture with the time at which it was due: it is sent within its tick of 10 ms and ours.
    const lateMs = pull.arrivals.map(({ sample, wallMs }) => wallMs - sample.wallMs);
    assert.ok(
      lateMs.every((ms) => ms >= -2 && ms < 1000),
      `${Math.min(...lateMs)}…${Math.max(...lateMs)} ms`,
    );
    for (let i = 1; i < video.length; i++) {
      const stepMs = video[i]!.wallMs - video[i - 1]!.wallMs;
      assert.ok(Math.abs(stepMs - 40) < 5, `picture ${i} was captured ${stepMs} ms after the one before`);
    }
  });

  for (const udp of ['refused', 'silent'] as const)
    test(`a camera whose UDP is ${udp} is pulled over TCP, and at once the next time`, async () => {
      await using camera = await open({ udp });
      await using pull = new PullBench(camera.urls['main']!, { transport: ['udp', 'tcp'] });
      await pull.until(() => pull.count('video') >= 5);
      assert.equal(camera.connectionCount, 2, 'described anew on a new connection (Hikvision)');
      const code = udp === 'refused' ? 'RTSP_TRANSPORT_UNSUPPORTED' : 'RTSP_UDP_SILENT';
      const tells = async () => {
        const { name, insteadOf } = (await pull.stream).transport!;
        assert.deepEqual([name, insteadOf?.name, insteadOf?.reason?.code], ['tcp', 'udp', code]);
      };
      await tells();
      pull.again();
      await pull.until(() => pull.count('video') >= 5);
      assert.equal(camera.connectionCount, 3, 'the transport that worked is tried first');
      await tells();
    });

  test('a camera is pulled from its multicast group, by two at once, and sends while somebody listens', async () => {
    await using camera = await open();
    {
      await using pull = new PullBench(`${camera.urls['main']}#transport=multicast`, {});
      await using other = new PullBench(`${camera.urls['main']}#transport=multicast`, {});
      await pull.until(() => pull.count('video') >= 30 && pull.count('audio') >= 10);
      await other.until(() => other.count('video') >= 30);
      assert.deepEqual((await pull.stream).transport, { name: 'multicast' });
      assert.equal(camera.sessionCount, 1, 'packets go out once for both');
      assert.ok([...pull.samples, ...other.samples].every(({ lost }) => lost === 0));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(camera.sessionCount, 0);
  });

  test('a camera behind NAT is reached by packets of ours to its ports', async () => {
    await using camera = await open({ udp: 'behind-nat' });
    await using pull = new PullBench(camera.urls['sub']!, { transport: ['udp'] });
    await pull.until(() => pull.count('video') >= 5);
  });

  test('a source that wants UDP only says why nothing comes', async () => {
    await using camera = await open({ udp: 'silent' });
    await using pull = new PullBench(`${camera.urls['main']}#transport=udp`, {});
    const error = await pull.ended;
    assert.equal(error?.code, 'RTSP_UDP_SILENT');
    assert.equal(error?.kind, 'timeout');
  });

  test('ports and sockets are given back when a session ends', async () => {
    await using camera = await open();
    // Two tracks need all of them.
    const settings = { transport: ['udp'], rtp_port_range: { first: 23_400, last: 23_403 } };
    await using pull = new PullBench(camera.urls['main']!, settings);
    for (let round = 0; round < 3; round++) {
      await pull.until(() => pull.count('video') >= 3);
      await pull.stop();
      pull.again();
    }
  });

  test('other ports are for the next connection', async () => {
    await using camera = await open();
    const rangeFrom = (first: number, count: number) => ({
      ...{ transport: ['udp'], rtp_port_range: { first, last: first + count - 1 } },
    });
    // One track has ports, the other has none.
    await using pull = new PullBench(camera.urls['main']!, rangeFrom(23_404, 2));
    assert.equal((await pull.ended)?.code, 'RTP_PORTS_TAKEN');
    pull.section = rangeFrom(23_406, 4);
    pull.again();
    await pull.until(() => pull.count('video') >= 3 && pull.count('audio') >= 1);
  });
});
